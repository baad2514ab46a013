namespace Starling.Protocols.Groups;

/// <summary>What a member of a group is doing.</summary>
public enum GroupMemberState
{
    /// <summary>It listens for others and takes no messages yet.</summary>
    Joining,

    /// <summary>It takes messages.</summary>
    Active,

    /// <summary>It finishes what it has and takes no more.</summary>
    Draining,

    /// <summary>It is gone.</summary>
    Left,
}

/// <summary>What a member says about a message.</summary>
public enum GroupNoteKind
{
    /// <summary>It has been handled.</summary>
    Done,

    /// <summary>The sender has it and is at it.</summary>
    Held,

    /// <summary>Another member is to handle it: <see cref="GroupNote.To"/>.</summary>
    Given,

    /// <summary>Does anybody have it, or was it handled?</summary>
    Wanted,

    /// <summary>It was handed out as often as it may be and is given up.</summary>
    GivenUp,
}

/// <summary>What a member says about one message.</summary>
/// <param name="Kind">What.</param>
/// <param name="Key">Which message.</param>
/// <param name="Attempt">How often it was handed out, this time included: at least 1.</param>
/// <param name="To">Who is to handle it, with <see cref="GroupNoteKind.Given"/>.</param>
public readonly record struct GroupNote(GroupNoteKind Kind, GroupKey Key, int Attempt = 1, PeerId? To = null);

/// <summary>What a member tells the others of its group.</summary>
/// <param name="Instance">A number that a member draws when it joins, so that one who came back is told from one who never left.</param>
/// <param name="State">What it is doing.</param>
/// <param name="Waiting">Messages that wait for one of its handlers.</param>
/// <param name="Notes">About messages.</param>
public sealed record GroupFrame(ulong Instance, GroupMemberState State, int Waiting, IReadOnlyList<GroupNote> Notes);
