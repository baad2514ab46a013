using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Starling.Net.Links;
using Starling.Net.Transport;
using Starling.Protocols.Links;

namespace Starling.Net.Tests.Links;

/// <summary>What the peer book, the blocklist and the budget show to whoever measures.</summary>
public sealed class PeersMetricsTests : IMeterFactory
{
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _sums = [];
    private readonly List<Meter> _meters = [];

    public PeersMetricsTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (_meters.Contains(instrument.Meter)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var key = string.Join(' ', [instrument.Name["starling.".Length..], .. tags.ToArray().Select(tag => tag.Value)]);
            _sums[key] = instrument.IsObservable ? value : _sums.GetValueOrDefault(key) + value;
        });
        _listener.Start();
    }

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        _meters.Add(meter);

        // Instruments are published when they are created: the meter must be known by then.
        return meter;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meters.ForEach(meter => meter.Dispose());
    }

    [Fact]
    public async Task Every_refusal_of_the_book_has_its_outcome_and_the_known_are_counted()
    {
        using var metrics = new PeersMetrics(this);
        await using var book = new PeerBook(Id(9), new PeerBookOptions { MaxFailures = 1 }, new ManualClock(), metrics, NullLogger.Instance);
        Multiaddr[] places = [Multiaddr.Parse("/ip4/192.0.2.1/tcp/1")];
        book.Add(Id(1), places, AddressSource.Discovery);
        book.Add(Id(1), places, AddressSource.Discovery);
        book.Add(Id(2), places, AddressSource.User);
        book.Add(Id(9), places, AddressSource.User);
        book.Add(Id(3), [], AddressSource.User);
        book.Failed(Id(1));
        book.Add(Id(1), places, AddressSource.Hearsay);
        book.AddRecord(new byte[50]);
        Assert.Equal((1, 1), (_sums["peers.known alive"], _sums["peers.known dead"]));
        Assert.Equal(
            [1, 1, 1, 1, 1, 1, 1],
            new[] { "Discovery Noted", "Discovery Known", "User Noted", "User Self", "User Unusable", "Hearsay Dead", "SignedRecord BadRecord" }.Select(key => _sums[$"peers.told {key}"]));
    }

    [Fact]
    public async Task Entries_of_the_blocklist_are_counted()
    {
        using var metrics = new PeersMetrics(this);
        var clock = new ManualClock();
        await using var restrictions = new Restrictions(new RestrictionsOptions { Block = ["192.0.2.9"] }, clock, metrics, NullLogger.Instance);
        await restrictions.BlockAsync([BlockSubject.Parse("192.0.2.1"), BlockSubject.Parse("192.0.2.2"), BlockSubject.Parse("192.0.2.3")], TimeSpan.FromMinutes(1));
        await restrictions.BlockAsync(BlockSubject.Parse("192.0.2.1"), TimeSpan.FromMinutes(2));
        Assert.Equal(4, _sums["restrictions.entries"]);
        await restrictions.UnblockAsync(BlockSubject.Parse("192.0.2.2"));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(2, _sums["restrictions.entries"]);
        await restrictions.ClearAsync();
        Assert.Equal(0, _sums["restrictions.entries"]);
    }

    [Fact]
    public void The_budget_shows_use_limits_and_whose_limit_refused()
    {
        var budget = new ResourceBudget(new ResourceBudgetOptions { MaxLinks = 3, Scopes = { MaxLinksPerPeer = 2 } });
        using var metrics = new BudgetMetrics(budget, this);
        using var scope = budget.Open(Id(1));
        Assert.True(scope.TryAcquire(ResourceKind.Links, 2));
        Assert.False(scope.TryAcquire(ResourceKind.Links));
        Assert.False(budget.TryAcquire(ResourceKind.Links, 2));
        _listener.RecordObservableInstruments();
        Assert.Equal(
            [2, 3, 1, 1, 0, 1],
            new[] { "used Links", "limit Links", "refused Links Node", "refused Links Peer", "refused Links Address", "scopes" }.Select(key => _sums[$"budget.{key}"]));
    }

    private static PeerId Id(int number) => PeerId.FromBytes([0x00, 0x04, .. BitConverter.GetBytes(number)]);
}
