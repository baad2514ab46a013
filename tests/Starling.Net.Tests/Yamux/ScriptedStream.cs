using System.Threading.Channels;

namespace Starling.Net.Tests.Yamux;

/// <summary>A raw stream that receives what a test scripts and notes what is done to it. An empty script entry is the end.</summary>
internal sealed class ScriptedStream : Stream
{
    private readonly Channel<byte[]> _script = Channel.CreateBounded<byte[]>(64);
    private ReadOnlyMemory<byte> _current;
    private bool _ended;

    public List<int> Writes { get; } = [];

    public int Reads { get; private set; }

    public CancellationToken LastWriteToken { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public void Script(byte[] data) => Assert.True(_script.Writer.TryWrite(data));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_current.IsEmpty && !_ended) _current = await _script.Reader.ReadAsync(cancellationToken);
        _ended = _current.IsEmpty;
        if (!buffer.IsEmpty) Reads++;
        var count = Math.Min(buffer.Length, _current.Length);
        _current[..count].CopyTo(buffer);
        _current = _current[count..];
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Writes.Add(buffer.Length);
        LastWriteToken = cancellationToken;
        return ValueTask.CompletedTask;
    }

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
