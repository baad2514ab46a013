namespace Starling.Protocols.Streams;

/// <summary>How far one origin's messages of one topic have come, and what waits behind a gap.</summary>
internal sealed class StreamOrigin(PeerId id, ulong epoch)
{
    private readonly List<StreamBundle> _held = [];

    public PeerId Id { get; } = id;

    public ulong Epoch { get; private set; } = epoch;

    /// <summary>The counter to deliver next.</summary>
    public ulong Next { get; set; }

    /// <summary>The counter after the last message that is known to exist.</summary>
    public ulong Known { get; private set; }

    /// <summary>Nothing was delivered yet: messages that came before the first one heard may be on their way.</summary>
    public bool IsFirstContact { get; set; }

    /// <summary>Messages lost since the last delivery.</summary>
    public ulong MissedBefore { get; set; }

    public long HeldBytes { get; private set; }

    public Instant Deadline { get; set; } = Instant.Never;

    public Instant RecoverAt { get; set; } = Instant.Never;

    public bool IsRecovering { get; set; }

    /// <summary>The counter from which neighbours were asked last.</summary>
    public ulong AskedFrom { get; set; }

    public int Attempts { get; set; }

    /// <summary>It was told that the origin's clock went back.</summary>
    public bool IsToldStale { get; set; }

    public LinkedListNode<StreamOrigin>? Use { get; set; }

    public bool HasGap => Known > Next;

    /// <summary>The counter after the first gap.</summary>
    public ulong GapEnd => _held.Count > 0 ? _held[0].Header.First : Known;

    /// <summary>The first bundle behind the gap, if one is held.</summary>
    public StreamBundle? Head => _held.Count > 0 ? _held[0] : null;

    public void Learn(ulong end) => Known = Math.Max(Known, end);

    public void BeginEpoch(ulong epoch)
    {
        Epoch = epoch;
        (Next, Known, MissedBefore, Attempts) = (0, 0, 0, 0);
        (IsFirstContact, IsRecovering) = (false, false);
        Deadline = RecoverAt = Instant.Never;
    }

    /// <summary>Keeps a bundle in the order of counters; false when one with the same first counter and as many messages is held.</summary>
    public bool Hold(StreamBundle bundle)
    {
        var at = _held.Count;
        while (at > 0 && _held[at - 1].Header.First > bundle.Header.First) at--;
        if (at > 0 && _held[at - 1].Header.First == bundle.Header.First && _held[at - 1].Header.Count >= bundle.Header.Count) return false;
        _held.Insert(at, bundle);
        HeldBytes += bundle.Size;
        return true;
    }

    /// <summary>Takes the first bundle out when nothing is missing before it.</summary>
    public StreamBundle? TakeDue()
    {
        if (_held.Count == 0 || _held[0].Header.First > Next) return null;
        var bundle = _held[0];
        _held.RemoveAt(0);
        HeldBytes -= bundle.Size;
        return bundle;
    }
}
