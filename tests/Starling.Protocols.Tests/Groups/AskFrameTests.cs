using FsCheck;
using FsCheck.Fluent;
using Starling.Protocols.Groups;

namespace Starling.Protocols.Tests.Groups;

/// <summary>Requests over topics as bytes.</summary>
public sealed class AskFrameTests
{
    [Fact]
    public void Frames_read_back_as_they_were_written_and_a_frame_cut_in_its_head_is_none() => Prop.ForAll<byte[], uint, ulong>(static (payload, milliseconds, id) =>
    {
        foreach (var kind in Enum.GetValues<AskKind>())
        {
            var frame = new AskFrame(kind, new UInt128(id, ~id), Team.Peer(3), Math.Max(1, milliseconds), payload);
            var bytes = frame.Encode();
            if (AskFrame.Decode(bytes) is not { } read || !read.Payload.Span.SequenceEqual(payload) || read with { Payload = frame.Payload } != frame) return false;
            if (bytes.Length - payload.Length > AskFrame.MaxOverhead) return false;
            for (var length = 0; length < bytes.Length - payload.Length; length++)
            {
                if (AskFrame.Decode(bytes.AsMemory(0, length)) is not null) return false;
            }
        }

        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_bytes_are_a_frame_or_none() => Prop.ForAll<byte[]>(static bytes =>
    {
        byte[] likely = [1, 0, .. new byte[16], .. bytes];
        return AskFrame.Decode(bytes) is null && (AskFrame.Decode(likely) is not { } read || read.Payload.Length < bytes.Length);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_a_responder_says_of_its_failure_is_short_and_harmless()
    {
        var frame = AskFrame.Decode(AskFrame.Failed(1, Team.Peer(1), new string('x', 600) + "\n").Encode())!;
        Assert.Equal(512, frame.Words.Length);
        Assert.Equal("ab[2J", AskFrame.Decode(AskFrame.Failed(1, Team.Peer(1), "a\nb\u001b[2J").Encode())!.Words);
    }
}
