using Starling.Protocols.Requests;

namespace Starling.Fuzz;

/// <summary>What a peer sends on a request stream, from the bytes to what the serving side does.</summary>
internal sealed class RequestFrames() : Target("request", [.. Examples()])
{
    private static readonly RequestLimits Limits = new(MaxPayloadBytes: 4096, MaxNameBytes: 64);
    private ServingCore<object> _core = new(64);

    public override void Feed(byte[] input, RandomSource random)
    {
        var rest = input.AsSpan();
        while (true)
        {
            var status = RequestCodec.TryRead(rest, Limits, out var frame, out var length);
            if (status is FrameStatus.NeedMore or FrameStatus.Malformed) return;
            Hold(frame.Name.Length <= Limits.MaxNameBytes && frame.Payload.Length <= Limits.MaxPayloadBytes && frame.Message.Length <= RequestLimits.MaxMessageBytes, "a frame keeps its bounds");
            var step = status == FrameStatus.TooLarge ? _core.OnOversized(frame) : _core.OnFrame(frame);
            if (step == ServingStep.Violation) _core = new ServingCore<object>(64);
            else if (step is ServingStep.Refuse or ServingStep.Cancel || random.Next(4) == 0) _core.TryEnd(frame.Id, out _);
            Hold(_core.Open <= 64, "open calls are bounded");
            if (length >= rest.Length) return;
            rest = rest[length..];
        }
    }

    private static IEnumerable<byte[]> Examples()
    {
        yield return Bytes(new RequestFrame { Id = 1, Kind = RequestFrameKind.Call, Name = "echo"u8, TimeoutMilliseconds = 30_000, TraceParent = new byte[55], Payload = new byte[40] });
        yield return Bytes(new RequestFrame { Id = 2, Kind = RequestFrameKind.Call, Streaming = true, Payload = new byte[5000] });
        yield return Bytes(new RequestFrame { Id = 2, Kind = RequestFrameKind.Cancel });
        yield return Bytes(new RequestFrame { Id = 3, Kind = RequestFrameKind.Error, Failure = RequestFailure.Busy, Message = "full"u8 });
    }

    private static byte[] Bytes(in RequestFrame frame)
    {
        var bytes = new byte[RequestCodec.SizeOf(frame)];
        RequestCodec.Write(bytes, frame);
        return bytes;
    }
}
