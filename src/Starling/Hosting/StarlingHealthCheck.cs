using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Starling;

/// <summary>Tells a host's health checks how the node is.</summary>
internal sealed class StarlingHealthCheck(StarlingNode node, int neighbours, bool readiness) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var links = node.Links.Count;
        var data = new Dictionary<string, object>
        {
            ["peer"] = node.PeerId.ToString(),
            ["state"] = node.State.ToString(),
            ["links"] = links,
            ["refusedLinks"] = node.Budget.Refused(ResourceKind.Links),
        };
        var bad = context.Registration.FailureStatus;
        var result = node.State switch
        {
            NodeState.Running when readiness && links < neighbours => new HealthCheckResult(bad, $"{links} of {neighbours} neighbours are linked", data: data),
            NodeState.Running => HealthCheckResult.Healthy($"running, {links} links", data),
            NodeState.Stopped => new HealthCheckResult(bad, "the node has stopped", data: data),
            var state when readiness => new HealthCheckResult(bad, $"the node is {state.ToString().ToLowerInvariant()}", data: data),
            var state => HealthCheckResult.Healthy($"the node is {state.ToString().ToLowerInvariant()}", data),
        };
        return Task.FromResult(result);
    }
}

/// <summary>Adds a node to a host's health checks.</summary>
public static class StarlingHealthChecksBuilderExtensions
{
    /// <summary>Adds two checks of the host's <see cref="StarlingNode"/>: liveness (tag <c>live</c>), which fails when the node has stopped, and readiness
    /// (tag <c>ready</c>, name with <c>-ready</c> at the end), which also fails until the node runs, while it drains, and while it has too few neighbours.</summary>
    /// <param name="builder">The host's checks; the node comes from <see cref="StarlingServiceCollectionExtensions"/>.</param>
    /// <param name="name">Name of the liveness check. Default <c>starling</c>.</param>
    /// <param name="neighbours">Links that readiness wants. Default 0: a node that waits for its first peer is ready.</param>
    public static IHealthChecksBuilder AddStarling(this IHealthChecksBuilder builder, string name = "starling", int neighbours = 0)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfNegative(neighbours);
        return builder.Add(Registration(name, "live", readiness: false)).Add(Registration($"{name}-ready", "ready", readiness: true));

        HealthCheckRegistration Registration(string name, string tag, bool readiness) =>
            new(name, services => new StarlingHealthCheck(services.GetRequiredService<StarlingNode>(), neighbours, readiness), failureStatus: null, tags: [tag]);
    }
}
