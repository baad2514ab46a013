using Starling.Protocols.Groups;

namespace Starling.Fuzz;

/// <summary>What members of a queue group say, through the codec into a member: whatever it says then reads back, and nothing grows beyond its bounds.</summary>
internal sealed class GroupFrames() : Target("groups", Frame())
{
    private static readonly PeerId[] Peers = [.. Enumerable.Range(0, 3).Select(_ => NodeIdentity.Generate().PeerId)];
    private static readonly GroupOptions Options = new() { MaxPending = 64, MaxDone = 64, MaxMembers = 2 };
    private readonly List<GroupEffect<int>> _effects = [];
    private GroupCore<int>? _core;
    private long _fed;

    public override void Feed(byte[] input, RandomSource random)
    {
        var now = new Instant(_fed++ * TimeSpan.TicksPerMillisecond * 50);
        if (_core is null || _fed % 1000 == 0) _core = new GroupCore<int>(Peers[0], random.NextUInt64(), Options, now);
        _effects.Clear();
        if (GroupCodec.Decode(input) is { } frame) Hold(frame.Notes.Count <= GroupCodec.MaxNotes, "a frame has no more notes than allowed");
        _core.Offer(new GroupKey(Peers[1], 7, (ulong)random.Next(100)), 1, 0, now, _effects);
        _core.Receive(Peers[1 + random.Next(2)], input, now, _effects);
        _core.Tick(now, _effects);
        foreach (var effect in _effects)
        {
            if (effect.Kind == GroupEffectKind.Send) Hold(GroupCodec.Decode(effect.Frame.Span) is not null, "what a member says reads back");
        }

        Hold(_core.Pending <= Options.MaxPending && _core.Members.Count <= Options.MaxMembers && _core.InFlight <= Options.MaxInFlight, "nothing grows beyond its bounds");
    }

    private static byte[] Frame() => GroupCodec.Encode(new GroupFrame(9, GroupMemberState.Active, 3, [
        new GroupNote(GroupNoteKind.Done, new GroupKey(Peers[1], 7, 5)), new GroupNote(GroupNoteKind.Given, new GroupKey(Peers[1], 7, 6), 2, Peers[0]), new GroupNote(GroupNoteKind.Wanted, new GroupKey(Peers[1], 7, 8)),
    ]));
}

/// <summary>Requests over topics and their answers.</summary>
internal sealed class AskFrames() : Target("asks", new AskFrame(AskKind.Ask, 99, NodeIdentity.Generate().PeerId, 5000, "question"u8.ToArray()).Encode())
{
    public override void Feed(byte[] input, RandomSource random)
    {
        if (AskFrame.Decode(input) is not { } frame) return;
        Hold(frame.Payload.Length < input.Length && frame.Milliseconds > 0, "the payload lies within the frame");
        Hold(frame.Words.Length <= 512 && !frame.Words.Any(char.IsControl), "a responder's words are short and harmless");
        Hold(AskFrame.Decode(frame.Encode()) is { } again && again.Id == frame.Id && again.Payload.Span.SequenceEqual(frame.Payload.Span), "a frame reads back as it was written");
    }
}
