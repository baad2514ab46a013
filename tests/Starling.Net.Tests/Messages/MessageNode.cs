using System.Text;
using System.Threading.Channels;
using Starling.Net.Messages;
using Starling.Net.Tests.Links;
using Starling.Protocols.Yamux;

namespace Starling.Net.Tests.Messages;

/// <summary>A node over loopback sockets with messages, and everything that was told of them.</summary>
internal sealed class MessageNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Channel<MessageEvent> _events = Channel.CreateBounded<MessageEvent>(100_000);

    private MessageNode(TestNode node, MessageOptions? options, ResourceBudget? budget)
    {
        Node = node;
        Budget = budget ?? new ResourceBudget();
        Messages = new MessageService(node.Swarm, options, Budget, node.Clock);
        Messages.Observe(happened => _events.Writer.TryWrite(happened));
    }

    public TestNode Node { get; }

    public PeerId Id => Node.Id;

    public ResourceBudget Budget { get; }

    public MessageService Messages { get; }

    public static async Task<MessageNode> StartAsync(MessageOptions? options = null, ResourceBudget? budget = null, YamuxOptions? yamux = null) =>
        new(await TestNode.StartAsync(yamux: yamux), options, budget);

    /// <summary>Two linked nodes.</summary>
    public static async Task<(MessageNode First, MessageNode Second)> PairAsync(MessageOptions? first = null, MessageOptions? second = null)
    {
        var (one, other) = (await StartAsync(first), await StartAsync(second));
        await one.LinkAsync(other);
        return (one, other);
    }

    public async Task LinkAsync(MessageNode other)
    {
        await Node.ConnectAsync(other.Node);
        while (other.Node.Swarm.Find(Id) is null) await other.Node.NextEventAsync();
    }

    public async Task<T> NextAsync<T>()
        where T : MessageEvent
    {
        while (true)
        {
            if (await _events.Reader.ReadAsync().AsTask().WaitAsync(Patience) is T wanted) return wanted;
        }
    }

    /// <summary>What was told and not asked for yet.</summary>
    public List<MessageEvent> Told()
    {
        var told = new List<MessageEvent>();
        while (_events.Reader.TryRead(out var next)) told.Add(next);
        return told;
    }

    public async ValueTask DisposeAsync()
    {
        await Messages.DisposeAsync().AsTask().WaitAsync(Patience);
        await Node.DisposeAsync();
    }
}

/// <summary>Handlers that keep what they get.</summary>
internal sealed class Heard<T>
{
    private readonly Channel<ReceivedMessage<T>> _messages = Channel.CreateBounded<ReceivedMessage<T>>(100_000);

    public Heard(MessageService messages, MessageType<T> type, string? action = null) => messages.On(type, KeepAsync, action);

    public Heard(MessageNode node, MessageType<T> type, string? action = null)
        : this(node.Messages, type, action)
    {
    }

    public int Count => _messages.Reader.Count;

    public Task<ReceivedMessage<T>> NextAsync() => _messages.Reader.ReadAsync().AsTask().WaitAsync(MessageNode.Patience);

    private ValueTask KeepAsync(ReceivedMessage<T> message, CancellationToken cancellationToken) => _messages.Writer.WriteAsync(message, cancellationToken);
}

internal static class MessageTestExtensions
{
    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(MessageNode.Patience);

    public static Task Soon(this Task task) => task.WaitAsync(MessageNode.Patience);

    public static ReadOnlyMemory<byte> Bytes(this string text) => Encoding.UTF8.GetBytes(text);

    public static byte[] Bytes(this RandomSource random, int count)
    {
        var bytes = new byte[count];
        random.Fill(bytes);
        return bytes;
    }

    public static string Text(this ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
