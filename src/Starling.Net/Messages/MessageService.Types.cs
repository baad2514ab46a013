using System.Buffers;
using System.Collections.Concurrent;
using Google.Protobuf;
using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <content>Types and handlers.</content>
public sealed partial class MessageService
{
    private readonly ConcurrentDictionary<string, Entry> _types = new(StringComparer.Ordinal);
    private readonly Lock _typesGate = new();
    private int _handlers;

    /// <summary>The registered types, each with its actions.</summary>
    public IReadOnlyList<MessageType> Types => [.. _types.Values.Select(entry => entry.Type)];

    /// <summary>Registers a type of protobuf messages.</summary>
    /// <param name="name">The name on the wire, up to <see cref="MessageCodec.MaxTypeBytes"/> bytes; the same on every node.</param>
    /// <param name="actions">The actions' names, which count from 0; null allows any number.</param>
    /// <param name="actionOf">Finds the action in a message, here and at the receiver; null takes it from the sender.</param>
    /// <param name="forwardable">Whether a forwarder hands these messages on. Default yes.</param>
    /// <typeparam name="T">The generated class.</typeparam>
    /// <exception cref="ArgumentException">A name is out of range.</exception>
    /// <exception cref="InvalidOperationException">The name is taken, or there are <see cref="MessageOptions.MaxTypes"/> types.</exception>
    public MessageType<T> Register<T>(string name, IReadOnlyList<string>? actions = null, Func<T, int>? actionOf = null, bool forwardable = true)
        where T : class, IMessage<T>, new()
    {
        var parser = new MessageParser<T>(static () => new T());
        return Add(new MessageType<T>(this, name, actions, actionOf, forwardable, static value => value.ToByteArray(), payload => parser.ParseFrom(payload.Span)));
    }

    /// <summary>Registers a type of values that a serializer writes and reads.</summary>
    /// <param name="name">The name on the wire.</param>
    /// <param name="serializer">Null takes <see cref="JsonPayloadSerializer.Default"/>.</param>
    /// <param name="actions">The actions' names.</param>
    /// <param name="actionOf">Finds the action in a value.</param>
    /// <param name="forwardable">Whether a forwarder hands these messages on.</param>
    /// <typeparam name="T">The values.</typeparam>
    /// <inheritdoc cref="Register{T}(string, IReadOnlyList{string}?, Func{T, int}?, bool)"/>
    public MessageType<T> RegisterValue<T>(string name, IPayloadSerializer? serializer = null, IReadOnlyList<string>? actions = null, Func<T, int>? actionOf = null, bool forwardable = true)
    {
        serializer ??= JsonPayloadSerializer.Default;
        return Add(new MessageType<T>(this, name, actions, actionOf, forwardable, Write, Read));

        ReadOnlyMemory<byte> Write(T value)
        {
            var output = new ArrayBufferWriter<byte>();
            serializer.Serialize(value, output);
            return output.WrittenMemory;
        }

        T Read(ReadOnlyMemory<byte> payload) => serializer.Deserialize<T>(payload.Span) ?? throw new PayloadException($"The payload is null where a {typeof(T).Name} is expected.");
    }

    /// <summary>Registers a type of raw bytes. What a handler gets is its to keep; other handlers of this node share it.</summary>
    /// <inheritdoc cref="Register{T}(string, IReadOnlyList{string}?, Func{T, int}?, bool)"/>
    public MessageType<ReadOnlyMemory<byte>> RegisterBytes(string name, IReadOnlyList<string>? actions = null, Func<ReadOnlyMemory<byte>, int>? actionOf = null, bool forwardable = true) =>
        Add(new MessageType<ReadOnlyMemory<byte>>(this, name, actions, actionOf, forwardable, static value => value, static payload => payload));

    /// <summary>Makes a message by the names of its type and action.</summary>
    /// <param name="type">The name of a registered type.</param>
    /// <param name="action">The name of one of its actions; null takes the one that the value implies, else 0.</param>
    /// <param name="value">A value of the type's <see cref="MessageType.ValueType"/>.</param>
    /// <exception cref="ArgumentException">There is no such type or action, or the value is of another type; the message says which there are.</exception>
    /// <exception cref="PayloadException">The value cannot be written.</exception>
    public OutgoingMessage Create(string type, string? action, object value)
    {
        var known = TypeOf(type);
        return known.Create(value, action is null ? null : known.NumberOf(action));
    }

    /// <summary>Subscribes a handler to a type, or to one action of it. Disposing the result ends that.</summary>
    /// <param name="type">The type.</param>
    /// <param name="handler">Called for each message off the readers. Messages of one peer come one after the other, each to all its handlers in the order in which they subscribed;
    /// messages of several peers come at once. A handler that throws is told by <see cref="MessageEvent.HandlerFailed"/>, and the others still run. The token is cancelled when the node stops.</param>
    /// <param name="action">The action's name; null takes all.</param>
    /// <exception cref="ArgumentException">The type has no such action.</exception>
    /// <exception cref="InvalidOperationException">There are <see cref="MessageOptions.MaxHandlers"/> handlers.</exception>
    public IDisposable On<T>(MessageType<T> type, Func<ReceivedMessage<T>, CancellationToken, ValueTask> handler, string? action = null)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(handler);
        return On(type.Name, (message, cancelled) => handler((ReceivedMessage<T>)message, cancelled), action);
    }

    /// <summary>Subscribes a handler to a type by its name.</summary>
    /// <exception cref="ArgumentException">There is no such type, or it has no such action.</exception>
    /// <inheritdoc cref="On{T}(MessageType{T}, Func{ReceivedMessage{T}, CancellationToken, ValueTask}, string?)"/>
    public IDisposable On(string type, Func<ReceivedMessage, CancellationToken, ValueTask> handler, string? action = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var added = new Handler(action is null ? null : TypeOf(type).NumberOf(action), handler);
        lock (_typesGate)
        {
            if (_handlers >= _context.Options.MaxHandlers) throw new InvalidOperationException($"{_handlers} handlers are subscribed, the most that is allowed ({nameof(MessageOptions.MaxHandlers)}).");
            _handlers++;
            _types[TypeOf(type).Name].Handlers.Add(added);
        }

        return new Registration(() =>
        {
            lock (_typesGate)
            {
                _types[type].Handlers.Remove(added);
                _handlers--;
            }
        });
    }

    internal OutgoingMessage Make(MessageType type, int action, ReadOnlyMemory<byte> payload) => new(type, new MessageEnvelope
    {
        Type = type.Name,
        Action = action,
        Id = MessageUid.Create(_context.Random),
        SentAt = _context.Clock.GetUtcNow().ToUnixTimeMilliseconds(),
        Payload = payload,
    });

    private MessageType<T> Add<T>(MessageType<T> type)
    {
        lock (_typesGate)
        {
            if (_types.Count >= _context.Options.MaxTypes) throw new InvalidOperationException($"{_types.Count} message types are registered, the most that is allowed ({nameof(MessageOptions.MaxTypes)}).");
            if (!_types.TryAdd(type.Name, new Entry(type))) throw new InvalidOperationException($"The message type '{type.Name}' is registered already.");
        }

        return type;
    }

    private MessageType TypeOf(string name) => name is not null && _types.TryGetValue(name, out var entry)
        ? entry.Type
        : throw new ArgumentException($"There is no message type '{name}'; registered are: {string.Join(", ", _types.Keys.Order(StringComparer.Ordinal))}.", nameof(name));

    private Handler[] HandlersOf(ReceivedMessage message)
    {
        lock (_typesGate) return [.. _types[message.Type.Name].Handlers.Where(handler => handler.Action is null || handler.Action == message.Action)];
    }

    private sealed record Handler(int? Action, Func<ReceivedMessage, CancellationToken, ValueTask> Run)
    {
        public bool Equals(Handler? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }

    private sealed record Entry(MessageType Type)
    {
        public List<Handler> Handlers { get; } = [];
    }
}
