using System.Net;
using System.Net.Sockets;
using Starling.Net.Transport;
using Starling.Net.Yamux;
using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Yamux;

/// <summary>Two ends of one TCP connection on loopback.</summary>
internal static class LinkPair
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task<(Stream Dialler, Stream Listener)> RawAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dialler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await dialler.ConnectAsync(listener.LocalEndpoint);
        var accepted = await listener.AcceptSocketAsync();
        accepted.NoDelay = true;
        return (new NetworkStream(dialler, ownsSocket: true), new NetworkStream(accepted, ownsSocket: true));
    }

    public static YamuxConnection Start(Stream raw, Direction direction, YamuxOptions? options = null, ResourceBudget? budget = null, TimeProvider? clock = null)
    {
        var link = new LinkDescription(null!, null!, null!, null!, null!, direction, "/plaintext/2.0.0", "/yamux/1.0.0");
        var channel = new LinkStream(raw) { AutoFlush = false };
        return YamuxConnection.Start(channel, link, options ?? new YamuxOptions(), budget ?? new ResourceBudget(), clock ?? TimeProvider.System, channel.EndWriting);
    }

    public static async Task<(YamuxConnection Dialler, YamuxConnection Listener)> ConnectAsync(YamuxOptions? options = null)
    {
        var (dialler, listener) = await RawAsync();
        return (Start(dialler, Direction.Outbound, options), Start(listener, Direction.Inbound, options));
    }

    public static async Task<T> Soon<T>(this ValueTask<T> task) => await task.AsTask().WaitAsync(Patience);

    public static async Task Soon(this ValueTask task) => await task.AsTask().WaitAsync(Patience);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Patience);

    public static Task Soon(this Task task) => task.WaitAsync(Patience);
}
