using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>This node's own signed peer record, made anew when its addresses change. Safe for several threads.</summary>
/// <param name="identity">Signs; stays the caller's.</param>
/// <param name="addresses">What the node tells others, without peer id.</param>
/// <param name="clock">Gives the sequence number: Unix time in milliseconds, always rising.</param>
public sealed class OwnPeerRecord(NodeIdentity identity, Func<IReadOnlyList<Multiaddr>> addresses, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private IReadOnlyList<Multiaddr> _sealed = [];
    private byte[]? _envelope;
    private ulong _sequence;

    /// <summary>The envelope of the present addresses, at most <see cref="IdentifyCodec.MaxAddresses"/>. Must not be changed.</summary>
    public ReadOnlyMemory<byte> Envelope
    {
        get
        {
            Multiaddr[] present = [.. addresses().Take(IdentifyCodec.MaxAddresses)];
            lock (_gate)
            {
                if (_envelope is not null && present.SequenceEqual(_sealed)) return _envelope;
                _sequence = Math.Max(_sequence + 1, (ulong)clock.GetUtcNow().ToUnixTimeMilliseconds());
                (_sealed, _envelope) = (present, PeerRecords.Seal(identity, _sequence, present));
                return _envelope;
            }
        }
    }
}
