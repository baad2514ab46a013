using System.Buffers.Binary;
using Starling.Net.Spread;
using Starling.Protocols.Spread;

namespace Starling.Gateways.Gossip;

/// <content>The network side: announcements become spread items, and items wait here for the verdict of clients.</content>
public sealed partial class GossipApi
{
    /// <summary>The name that the spread kind of gossip messages has between nodes. Payload: the type, 16 bits big-endian, then the data.</summary>
    public const string SpreadKindName = "starling/voidphone-gossip/1";

    private const int TypeBytes = 2;

    /// <summary>Hops of what is announced without a limit: as many as the wire between nodes can say.</summary>
    private const int UnlimitedHops = 255;

    /// <summary>How long nodes remember an item, and offer it to neighbours to come while it is in their cache; the same everywhere.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    /// <summary>The board decides first; spread's own limit is only there for the case that it does not.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private readonly List<GossipEffect> _effects = [];
    private readonly Dictionary<SpreadKey, TaskCompletionSource<SpreadVerdict>> _verdicts = [];
    private Instant _wake = Instant.Never;

    private SpreadKind Kind => field ??= SpreadKind.Named(SpreadKindName) with
    {
        Signed = true,
        Keep = true,
        Degree = Options.Degree,
        ValidationTimeout = Options.ValidationTimeout + Margin,
        Lifetime = Lifetime,
        MaxTtl = UnlimitedHops,
    };

    private IDisposable Join()
    {
        try
        {
            return _node.Spread.Register(Kind, new SpreadHandlers { Validate = ReceiveAsync });
        }
        catch (InvalidOperationException error)
        {
            throw new StarlingException($"The node cannot have this gossip API: {error.Message}", error);
        }
    }

    private async ValueTask AnnounceAsync(GossipClient client, GossipAnnounce announce, CancellationToken cancellationToken)
    {
        var (outcome, publish) = Turn(effects =>
        {
            var became = _desk.Announce(client.Id, announce, effects);
            return (became, effects.FirstOrDefault(effect => effect.Kind == GossipEffectKind.Publish));
        });
        Counters.Count(outcome switch
        {
            GossipAnnounceOutcome.Spread => GossipCount.Announced,
            GossipAnnounceOutcome.Repeated => GossipCount.Repeated,
            GossipAnnounceOutcome.Vetoed => GossipCount.AnnouncedVetoed,
            _ => GossipCount.AnnouncedUnregistered,
        });
        SpreadPublishResult? result = publish.Message is { } message ? await PublishAsync(message, publish, cancellationToken).ConfigureAwait(false) : null;
        _events.Raise(new GossipEvent.Announced(client.Id, announce.DataType, announce.Data.Length, outcome, result?.Status, result?.Neighbours ?? 0));
    }

    private async ValueTask<SpreadPublishResult?> PublishAsync(CachedMessage message, GossipEffect publish, CancellationToken cancellationToken)
    {
        var payload = new byte[TypeBytes + message.Data.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, message.DataType);
        message.Data.CopyTo(payload.AsMemory(TypeBytes));
        try
        {
            var result = await _node.Spread.PublishAsync(Kind, payload, publish.Ttl, publish.Key.Id, cancellationToken).ConfigureAwait(false);
            if (result.Status == SpreadPublishStatus.TooLarge) Log.TooLarge(payload.Length);
            Turn(effects =>
            {
                _desk.Published(message, publish.Key, effects);
                return true;
            });
            return result;
        }
        catch (ObjectDisposedException)
        {
            Log.CameLate("an announcement");
            return null;
        }
    }

    private async ValueTask<SpreadVerdict> ReceiveAsync(SpreadDelivery item, CancellationToken cancellationToken)
    {
        if (item.Payload.Length < TypeBytes || item.Payload.Length - TypeBytes > GossipMessageCodec.MaxDataBytes)
        {
            Counters.Count(GossipCount.Malformed);
            return SpreadVerdict.Reject;
        }

        var type = BinaryPrimitives.ReadUInt16BigEndian(item.Payload.Span);
        var data = item.Payload[TypeBytes..];
        var key = item.Item.Key;
        var decided = new TaskCompletionSource<SpreadVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        Turn(effects =>
        {
            _verdicts[key] = decided;
            _desk.Receive(key, type, data, _clock.Now(), effects);
            return true;
        });
        try
        {
            var verdict = await decided.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            _events.Raise(new GossipEvent.Judged(item.Origin, type, data.Length, verdict switch
            {
                SpreadVerdict.Accept => GossipOutcome.Accepted,
                SpreadVerdict.Reject => GossipOutcome.Vetoed,
                _ => GossipOutcome.Dropped,
            }));
            return verdict;
        }
        finally
        {
            lock (_gate) _verdicts.Remove(key);
        }
    }

    private void OnTimer() => Turn(effects =>
    {
        _wake = Instant.Never;
        _desk.Tick(_clock.Now(), effects);
        return true;
    });

    /// <summary>Lets the desk decide under the lock, and carries out what it wants: nothing of that waits. Publishing is the caller's.</summary>
    private T Turn<T>(Func<List<GossipEffect>, T> what)
    {
        lock (_gate)
        {
            try
            {
                var result = what(_effects);
                foreach (var effect in _effects) CarryOut(effect);
                return result;
            }
            finally
            {
                _effects.Clear();
                SetTimer();
            }
        }
    }

    private void CarryOut(GossipEffect effect)
    {
        switch (effect.Kind)
        {
            case GossipEffectKind.Notify:
                if (_clients.TryGetValue(effect.Client, out var served)) served.Client.Notify(effect.NotificationId, effect.Message!);
                break;
            case GossipEffectKind.Judge:
                if (_verdicts.TryGetValue(effect.Key, out var decided)) decided.TrySetResult(effect.Verdict);
                break;
            case GossipEffectKind.Withdraw:
                _node.Spread.Withdraw(effect.Key, reject: effect.Verdict == SpreadVerdict.Reject);
                break;
            default:
                break;
        }
    }

    private void SetTimer()
    {
        if (_desk.NextTick == _wake || _stop.IsCancellationRequested) return;
        _wake = _desk.NextTick;
        var wait = _wake == Instant.Never ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling((_wake - _clock.Now()).TotalMilliseconds)));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void EndVerdicts()
    {
        lock (_gate)
        {
            foreach (var waiting in _verdicts.Values) waiting.TrySetResult(SpreadVerdict.Ignore);
        }
    }
}
