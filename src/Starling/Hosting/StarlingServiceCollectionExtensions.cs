using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Starling;

/// <summary>Adds a node to a host.</summary>
public static class StarlingServiceCollectionExtensions
{
    /// <summary>The key under which a <see cref="TimeProvider"/> or a <see cref="RandomSource"/> is registered to replace the system's.</summary>
    public const string SeamKey = "starling";

    /// <summary>Adds one <see cref="StarlingNode"/> that starts and stops with the host and logs where the host logs.</summary>
    /// <remarks>The node can be injected anywhere; it listens once the host has started. Options are checked when the host starts.</remarks>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets options; null takes the defaults.</param>
    public static IServiceCollection AddStarling(this IServiceCollection services, Action<StarlingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<StarlingOptions>().ValidateOnStart();
        if (configure is not null) options.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<StarlingOptions>, OptionsCheck>());
        services.TryAddSingleton(CreateNode);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, NodeService>());
        return services;
    }

    /// <summary>Adds one node whose options come from configuration. A key that is no option is an error when the host starts.</summary>
    /// <inheritdoc cref="AddStarling(IServiceCollection, Action{StarlingOptions}?)"/>
    public static IServiceCollection AddStarling(this IServiceCollection services, IConfigurationSection configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddStarling();
        services.AddOptions<StarlingOptions>().Configure(options =>
        {
            if (StarlingConfiguration.Bind(configuration, options) is { Count: > 0 } problems) throw new OptionsValidationException(configuration.Path, typeof(StarlingOptions), problems);
        });
        return services;
    }

    private static StarlingNode CreateNode(IServiceProvider services) => new(
        services.GetRequiredService<IOptions<StarlingOptions>>().Value,
        new NodeEnvironment
        {
            Loggers = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance,
            Meters = services.GetService<IMeterFactory>(),
            Application = services.GetService<INodeApplication>(),
            Clock = services.GetKeyedService<TimeProvider>(SeamKey) ?? TimeProvider.System,
            Random = services.GetKeyedService<RandomSource>(SeamKey) ?? RandomSource.System,
        });

    /// <summary>Starts and stops the node with the host.</summary>
    private sealed class NodeService(StarlingNode node) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => node.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => node.StopAsync().WaitAsync(cancellationToken);
    }
}
