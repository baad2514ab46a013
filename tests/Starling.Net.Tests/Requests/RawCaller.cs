using Starling.Net.Requests;
using Starling.Protocols.Requests;

namespace Starling.Net.Tests.Requests;

/// <summary>A caller that writes frames, or anything else, by hand.</summary>
internal sealed class RawCaller(IStream stream) : IAsyncDisposable
{
    private byte[] _read = [];

    /// <summary>A frame with its texts copied.</summary>
    public sealed record Answer(ulong Id, RequestFrameKind Kind, RequestFailure Failure, string Message, byte[] Payload);

    public static async Task<RawCaller> OpenAsync(RequestPair pair) =>
        new(await pair.Caller.LinkTo(pair.Server).OpenStreamAsync([RequestService.ProtocolId]).AsTask().WaitAsync(RequestPair.Patience));

    public Task SendAsync(in RequestFrame frame)
    {
        var bytes = new byte[RequestCodec.SizeOf(frame)];
        RequestCodec.Write(bytes, frame);
        return SendAsync(bytes);
    }

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes).AsTask().WaitAsync(RequestPair.Patience);

    public Task EndAsync() => stream.CloseWriteAsync().AsTask().WaitAsync(RequestPair.Patience);

    /// <summary>The next frame.</summary>
    /// <exception cref="EndOfStreamException">There is none.</exception>
    public async Task<Answer> ReadAsync()
    {
        var buffer = new byte[64 << 10];
        while (true)
        {
            if (TryRead(out var answer)) return answer!;
            var count = await stream.ReadAsync(buffer).AsTask().WaitAsync(RequestPair.Patience);
            if (count == 0) throw new EndOfStreamException();
            _read = [.. _read, .. buffer.AsSpan(0, count)];
        }
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private bool TryRead(out Answer? answer)
    {
        answer = null;
        var status = RequestCodec.TryRead(_read, new RequestLimits(), out var frame, out var length);
        if (status == FrameStatus.NeedMore) return false;
        Assert.Equal(FrameStatus.Done, status);
        answer = new Answer(frame.Id, frame.Kind, frame.Failure, System.Text.Encoding.UTF8.GetString(frame.Message), frame.Payload.ToArray());
        _read = _read[length..];
        return true;
    }
}
