using Starling.Protocols.Messages;

namespace Starling.Net.Messages;

/// <summary>What a node does with a message when its handlers are behind.</summary>
public enum FullInbox
{
    /// <summary>The peer's stream is not read until there is room: the sender is slowed down and nothing is lost.</summary>
    Block,

    /// <summary>The oldest message that waits is dropped, counted, and told by <see cref="MessageEvent.Dropped"/>.</summary>
    DropOldest,

    /// <summary>The new message is dropped, counted, told by <see cref="MessageEvent.Dropped"/>, and refused to a sender that waits for an answer.</summary>
    DropNewest,
}

/// <summary>The bounds of a <see cref="MessageService"/>. Not to be changed after it was made.</summary>
public sealed class MessageOptions : ICheckedOptions
{
    /// <summary>The largest message, in either direction, before and after compression, bytes. Default 128 MiB; from 64 KiB to 1 GiB.</summary>
    /// <remarks>A peer is told, and does not send more. Larger ones of others cost nothing but the refusal: memory is taken as bytes arrive.</remarks>
    public int MaxMessageBytes { get; set; } = 128 << 20;

    /// <summary>Messages above this size go on a stream of their own behind everything else and are acknowledged. Default 32 KiB; from 1 KiB to 64 KiB.</summary>
    public int LargeMessageBytes { get; set; } = 32 << 10;

    /// <summary>Payloads from this size on are compressed where the peer can inflate them and it saves a tenth. Default 16 KiB, at least 64.</summary>
    /// <remarks>Costs about 5 ms of a core per MiB; <see cref="int.MaxValue"/> compresses nothing.</remarks>
    public int CompressFromBytes { get; set; } = 16 << 10;

    /// <summary>Large messages being sent at once, over all peers. Default 4, from 1 to 1,024. Others wait, those of high priority first.</summary>
    public int MaxLargeSends { get; set; } = 4;

    /// <summary>Streams of messages that one peer may have open here at once. Default 8, from 2 to 256: one for small messages, one for each large one.</summary>
    public int MaxStreamsPerPeer { get; set; } = 8;

    /// <summary>Bytes of small messages that may wait for one peer. Default 4 MiB, at least 64 KiB. More are <see cref="SendStatus.Backpressured"/>.</summary>
    public int MaxPeerQueueBytes { get; set; } = 4 << 20;

    /// <summary>How long a small message waits to be taken by the link. Default 10 seconds.</summary>
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a large message may make no progress: to its next 256 KiB, to its answer, or to the peer's first word. Default 30 seconds.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Messages of one peer that may wait for handlers. Default 1,024, at least 1.</summary>
    public int MaxInboxMessages { get; set; } = 1024;

    /// <summary>Bytes of one peer's messages that may wait for handlers; a single larger one is let in alone. Default 8 MiB, at least 1.</summary>
    public long MaxInboxBytes { get; set; } = 8 << 20;

    /// <summary>What happens when one peer's messages wait in such numbers. Default <see cref="FullInbox.Block"/>.</summary>
    public FullInbox WhenInboxFull { get; set; } = FullInbox.Block;

    /// <summary>Types that may be registered. Default 256, at least 1.</summary>
    public int MaxTypes { get; set; } = 256;

    /// <summary>Handlers that may be subscribed, over all types. Default 1,024, at least 1.</summary>
    public int MaxHandlers { get; set; } = 1024;

    /// <summary>How long a message is remembered, so that its next copy counts as a duplicate. Default 2 minutes.</summary>
    public TimeSpan SeenTime { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How many messages are remembered. Default 65,536, at least 1; each costs about 150 bytes.</summary>
    /// <remarks>Covers <see cref="SeenTime"/> up to 546 messages a second at the defaults; above that older ones are forgotten sooner.</remarks>
    public int MaxSeen { get; set; } = 65_536;

    /// <summary>How often a message may have been handed on by proxies to be accepted. Default 16, from 0 to 255; 0 accepts messages of their origin only.</summary>
    /// <remarks>The origin of a message that was handed on is what the proxies say it is.</remarks>
    public int MaxHops { get; set; } = 16;

    /// <summary>How messages are handed on, where this node is to be a proxy.</summary>
    public ForwarderOptions Forwarder { get; set; } = new();

    /// <summary>The mean time between two tellings of the <see cref="Discoverer"/>. Default 10 seconds; may be changed while it runs, there.</summary>
    public TimeSpan DiscovererInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for the stop: half of it for what waits to be written, half for handlers that run. Default 2 seconds.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public void Check(OptionProblems problems)
    {
        ArgumentNullException.ThrowIfNull(problems);
        problems.Within(MaxMessageBytes, MessageCodec.MinMessageBytes, 1 << 30, nameof(MaxMessageBytes));
        problems.Within(LargeMessageBytes, 1 << 10, MessageCodec.MinMessageBytes, nameof(LargeMessageBytes));
        problems.Least(CompressFromBytes, 64, nameof(CompressFromBytes));
        problems.Within(MaxLargeSends, 1, 1024, nameof(MaxLargeSends));
        problems.Within(MaxStreamsPerPeer, 2, 256, nameof(MaxStreamsPerPeer));
        problems.Least(MaxPeerQueueBytes, MessageCodec.MinMessageBytes, nameof(MaxPeerQueueBytes));
        problems.Positive(SendTimeout, nameof(SendTimeout));
        problems.Positive(StallTimeout, nameof(StallTimeout));
        problems.Least(MaxInboxMessages, 1, nameof(MaxInboxMessages));
        problems.Least(MaxInboxBytes, 1, nameof(MaxInboxBytes));
        if (!Enum.IsDefined(WhenInboxFull)) problems.Add(nameof(WhenInboxFull), WhenInboxFull, "is not known", $"use one of {string.Join(", ", Enum.GetNames<FullInbox>())}");
        problems.Least(MaxTypes, 1, nameof(MaxTypes));
        problems.Least(MaxHandlers, 1, nameof(MaxHandlers));
        problems.Positive(SeenTime, nameof(SeenTime));
        problems.Least(MaxSeen, 1, nameof(MaxSeen));
        problems.Within(MaxHops, 0, 255, nameof(MaxHops));
        problems.Within(nameof(Forwarder), Forwarder);
        problems.Positive(DiscovererInterval, nameof(DiscovererInterval));
        problems.NotNegative(StopTimeout, nameof(StopTimeout));
    }
}
