using System.Text;
using Starling.Protocols.Joining;

namespace Starling.Net.Joining;

/// <summary>Decides whether a peer may join. Runs concurrently for several peers.</summary>
/// <param name="request">Who asks, and what it says.</param>
/// <param name="cancellationToken">Fires when the peer does not wait any more, or the node stops.</param>
/// <returns>The answer, which reaches the peer.</returns>
public delegate ValueTask<JoinAnswer> JoinHandler(JoinRequest request, CancellationToken cancellationToken);

/// <summary>A peer asks to be let in.</summary>
/// <param name="Peer">Who; proved by the link.</param>
/// <param name="Name">The display name that it gives itself, or null.</param>
/// <param name="Payload">What it says. Valid until the handler has ended; copy it to keep it.</param>
public sealed record JoinRequest(PeerId Peer, string? Name, ReadOnlyMemory<byte> Payload);

/// <summary>The answer to a peer that asks to be let in.</summary>
public sealed record JoinAnswer
{
    private JoinAnswer(string? reason, ReadOnlyMemory<byte> payload) => (Reason, Payload) = (reason, payload);

    /// <summary>Whether the peer may join.</summary>
    public bool IsAccepted => Reason is null;

    /// <summary>Why it may not; null when it may.</summary>
    public string? Reason { get; }

    /// <summary>What is said with the acceptance.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>The peer may join: its link becomes direct.</summary>
    /// <param name="payload">What it is told, at most 64 KiB; not to be changed before it is sent.</param>
    /// <exception cref="ArgumentException">The payload is too large.</exception>
    public static JoinAnswer Accept(ReadOnlyMemory<byte> payload = default)
    {
        if (payload.Length > JoinReply.MaxPayload) throw new ArgumentException($"An answer has {payload.Length} bytes; {JoinReply.MaxPayload} is the most.", nameof(payload));
        return new JoinAnswer(null, payload);
    }

    /// <summary>The peer may join, and is told a text.</summary>
    /// <inheritdoc cref="Accept(ReadOnlyMemory{byte})"/>
    public static JoinAnswer Accept(string text) => Accept(Encoding.UTF8.GetBytes(text));

    /// <summary>The peer may not join: its link stays what it is.</summary>
    /// <param name="reason">Why; at most 256 characters reach the peer.</param>
    public static JoinAnswer Refuse(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new JoinAnswer(reason, default);
    }
}
