using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Starling.Tests;

public class HostingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_host_starts_a_node_from_its_configuration_and_stops_it()
    {
        using var host = Build(
            ("Starling:DisplayName", "hosted"),
            ("Starling:Listen:0", "/ip4/127.0.0.1/tcp/0"),
            ("Starling:Listen:1", "[::1]:0"),
            ("Starling:MaxLinks", "7"));
        var node = host.Services.GetRequiredService<StarlingNode>();
        Assert.Empty(node.Addresses);
        await host.StartAsync().WaitAsync(Patience);
        Assert.Equal(2, node.Addresses.Count);
        Assert.Equal(7, node.Budget.Limit(ResourceKind.Links));

        await using var other = await StarlingNode.StartAsync();
        var link = await other.ConnectAsync(node.Addresses[0]).WaitAsync(Patience);
        Assert.Equal("hosted", link.Info.DisplayName);
        await host.StopAsync().WaitAsync(Patience);
        await link.Connection.Closed.WaitAsync(Patience);
        Assert.Empty(node.Links);
    }

    [Fact]
    public async Task A_wrong_value_stops_the_host_from_starting_and_is_named()
    {
        using var host = Build(("Starling:Listen:0", "/ip4/127.0.0.1/tcp/99999"));
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(Patience));
        Assert.Contains("Starling option Listen: '/ip4/127.0.0.1/tcp/99999'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_of_the_wrong_kind_or_an_unknown_key_is_named()
    {
        using var wrong = Build(("Starling:MaxLinks", "many"));
        Assert.Contains("MaxLinks: 'many' is not a whole number", (await Assert.ThrowsAsync<OptionsValidationException>(() => wrong.StartAsync())).Message, StringComparison.Ordinal);
        using var unknown = Build(("Starling:MaxLink", "3"));
        Assert.Contains("MaxLink: there is no such option; MaxLinks is near", (await Assert.ThrowsAsync<OptionsValidationException>(() => unknown.StartAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_registered_under_the_seam_key_replace_clock_and_randomness()
    {
        var clock = new ManualClock();
        var services = new ServiceCollection();
        services.AddStarling(options => options.DisplayName = "manual");
        services.AddKeyedSingleton<TimeProvider>(StarlingServiceCollectionExtensions.SeamKey, clock);
        services.AddKeyedSingleton(StarlingServiceCollectionExtensions.SeamKey, RandomSource.Seeded(3));
        await using var provider = services.BuildServiceProvider();
        var node = provider.GetRequiredService<StarlingNode>();
        Assert.Single(provider.GetServices<IHostedService>());
        Assert.Same(node, provider.GetRequiredService<StarlingNode>());
    }

    [Fact]
    public void A_container_that_is_disposed_without_async_stops_the_node()
    {
        var services = new ServiceCollection();
        services.AddStarling();
        var provider = services.BuildServiceProvider();
        Assert.NotNull(provider.GetRequiredService<StarlingNode>());
        provider.Dispose();
    }

    private static IHost Build(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Services.AddStarling(builder.Configuration.GetSection("Starling"));
        return builder.Build();
    }
}
