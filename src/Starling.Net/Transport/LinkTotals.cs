using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Net.Transport;

/// <summary>What all links of a node have carried, those that are gone included. Safe for several threads.</summary>
/// <remarks>Nothing is counted on the way of the bytes: whoever asks for the sum adds up what each link counts anyway, under a microsecond a link.</remarks>
internal sealed class LinkTotals
{
    private readonly Lock _gate = new();
    private readonly Dictionary<YamuxConnection, LinkStream> _living = [];
    private LinkSum _gone;

    public void Add(YamuxConnection link, LinkStream bytes)
    {
        lock (_gate) _living.Add(link, bytes);
        _ = RemoveAtEndAsync(link, bytes);
    }

    public LinkSum Sum()
    {
        lock (_gate)
        {
            var sum = _gone;
            foreach (var (link, bytes) in _living) sum = sum.Plus(link, bytes);
            return sum;
        }
    }

    private async Task RemoveAtEndAsync(YamuxConnection link, LinkStream bytes)
    {
        await link.Closed;
        lock (_gate)
        {
            _living.Remove(link);
            _gone = _gone.Plus(link, bytes);
        }
    }
}

/// <summary>A sum over links.</summary>
/// <param name="Yamux">What their multiplexers counted.</param>
/// <param name="BytesReceived">Bytes received on the wire.</param>
/// <param name="BytesSent">Bytes sent on it.</param>
internal readonly record struct LinkSum(YamuxStatistics Yamux, long BytesReceived, long BytesSent)
{
    public LinkSum Plus(YamuxConnection link, LinkStream bytes) =>
        new(Yamux.Plus(link.Statistics), BytesReceived + bytes.BytesReceived, BytesSent + bytes.BytesSent);
}
