using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>A kind of message that a node knows: its name, its actions, and how its payload is written and read. Made by the Register methods of <see cref="MessageService"/>.</summary>
public abstract class MessageType
{
    private protected MessageType(string name, IReadOnlyList<string> actions, bool forwardable)
    {
        if (MessageCodec.WrongType(name) is { } wrong) throw new ArgumentException($"A message type cannot be called '{name}': {wrong}.", nameof(name));
        if (actions.Any(string.IsNullOrEmpty) || actions.Distinct(StringComparer.Ordinal).Count() != actions.Count) throw new ArgumentException($"The actions of '{name}' need names, each its own.", nameof(actions));
        (Name, Actions, IsForwardable) = (name, [.. actions], forwardable);
    }

    /// <summary>The name on the wire.</summary>
    public string Name { get; }

    /// <summary>The names of the actions, which count from 0; empty when any number is an action.</summary>
    public IReadOnlyList<string> Actions { get; }

    /// <summary>Whether a forwarder hands messages of this type on.</summary>
    public bool IsForwardable { get; }

    /// <summary>What a message of this type is to handlers.</summary>
    public abstract Type ValueType { get; }

    /// <summary>The number of an action.</summary>
    /// <exception cref="ArgumentException">The type has no action of this name; the message lists those that it has.</exception>
    public int NumberOf(string action)
    {
        for (var number = 0; number < Actions.Count; number++)
        {
            if (string.Equals(Actions[number], action, StringComparison.Ordinal)) return number;
        }

        throw new ArgumentException($"The message type '{Name}' has no action '{action}'; it has: {string.Join(", ", Actions)}.", nameof(action));
    }

    /// <summary>The name of an action, or its number where the type names none.</summary>
    public string NameOf(int action) => (uint)action < (uint)Actions.Count ? Actions[action] : $"{action}";

    /// <summary>Whether a number is an action of this type.</summary>
    public bool HasAction(int action) => Actions.Count == 0 || (uint)action < (uint)Actions.Count;

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal abstract OutgoingMessage Create(object value, int? action);

    /// <summary>Reads a payload and finds the action; throws <see cref="PayloadException"/>.</summary>
    internal abstract ReceivedMessage Read(in MessageEnvelope envelope, PeerId from, DateTimeOffset now);
}

/// <summary>A kind of message whose values are of one .NET type.</summary>
/// <typeparam name="T">What handlers get.</typeparam>
public sealed class MessageType<T> : MessageType
{
    private readonly Func<T, int>? _actionOf;
    private readonly Func<T, ReadOnlyMemory<byte>> _write;
    private readonly Func<ReadOnlyMemory<byte>, T> _read;
    private readonly MessageService _service;

    internal MessageType(MessageService service, string name, IReadOnlyList<string>? actions, Func<T, int>? actionOf, bool forwardable, Func<T, ReadOnlyMemory<byte>> write, Func<ReadOnlyMemory<byte>, T> read)
        : base(name, actions ?? [], forwardable)
    {
        (_service, _actionOf, _write, _read) = (service, actionOf, write, read);
    }

    /// <inheritdoc/>
    public override Type ValueType => typeof(T);

    /// <summary>Makes a message, with the action that its value implies, else action 0. It is written once, however many peers it is sent to.</summary>
    /// <exception cref="PayloadException">The value cannot be written.</exception>
    public OutgoingMessage Create(T value) => Make(value, null);

    /// <summary>Makes a message with an action by its name.</summary>
    /// <exception cref="ArgumentException">The type has no such action, or the value implies another.</exception>
    /// <exception cref="PayloadException">The value cannot be written.</exception>
    public OutgoingMessage Create(T value, string action) => Make(value, NumberOf(action));

    /// <summary>Makes a message with an action by its number.</summary>
    /// <exception cref="ArgumentException">The type has no such action, or the value implies another.</exception>
    /// <exception cref="PayloadException">The value cannot be written.</exception>
    public OutgoingMessage Create(T value, int action) => Make(value, action);

    internal override OutgoingMessage Create(object value, int? action) => value is T typed
        ? Make(typed, action)
        : throw new ArgumentException($"A message of type '{Name}' carries a {typeof(T).Name}, not a {value?.GetType().Name ?? "null"}.", nameof(value));

    internal override ReceivedMessage Read(in MessageEnvelope envelope, PeerId from, DateTimeOffset now)
    {
        T value;
        int action;
        try
        {
            value = _read(envelope.Payload);
            action = _actionOf?.Invoke(value) ?? envelope.Action;
        }
        catch (Exception error) when (error is not PayloadException)
        {
            // The reader and the action's function are the user's; whatever they throw, it is this payload's fault.
            throw new PayloadException($"{envelope.Payload.Length} bytes are no {typeof(T).Name}: {error.Message}", error);
        }

        return new ReceivedMessage<T>(this, envelope, action, value, from, now);
    }

    private OutgoingMessage Make(T value, int? action)
    {
        var implied = _actionOf?.Invoke(value);
        if (implied is { } one && action is { } other && one != other) throw new ArgumentException($"This message of type '{Name}' is a {NameOf(one)}, not a {NameOf(other)}.", nameof(action));
        var number = action ?? implied ?? 0;
        if (!HasAction(number)) throw new ArgumentException($"The message type '{Name}' has no action {number}; it has: {string.Join(", ", Actions)}.", nameof(action));
        return _service.Make(this, number, _write(value));
    }
}
