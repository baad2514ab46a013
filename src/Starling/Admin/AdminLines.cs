namespace Starling;

/// <summary>Reads lines of bytes, each at most so long, at any split of the input.</summary>
internal sealed class AdminLines(Stream stream, int maxBytes)
{
    private byte[] _buffer = new byte[1024];
    private int _start;
    private int _end;

    /// <summary>The next line without its line feed, valid until the next call; null at the end.</summary>
    /// <exception cref="InvalidDataException">A line is too long, or the last one has no end.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken cancellationToken)
    {
        for (var searched = _start; ;)
        {
            var at = Array.IndexOf(_buffer, (byte)'\n', searched, _end - searched);
            if (at >= 0)
            {
                var line = _buffer.AsMemory(_start, at - _start);
                _start = at + 1;
                return line;
            }

            if (_end - _start >= maxBytes) throw new InvalidDataException($"A line of the admin socket has more than {maxBytes} bytes.");
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            searched = _end;
            if (_end == _buffer.Length) Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, maxBytes));
            var count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (count == 0) return _end == 0 ? null : throw new InvalidDataException("The admin socket ended within a line.");
            _end += count;
        }
    }
}
