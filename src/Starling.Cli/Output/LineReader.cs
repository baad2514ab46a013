using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Starling.Cli;

/// <summary>Splits a byte stream into lines, of any bytes, without holding more than one line and a buffer.</summary>
internal static class LineReader
{
    /// <summary>The lines in order; the last one need not end with a line feed, and an empty stream has none.</summary>
    /// <param name="source">Read to its end; not disposed.</param>
    /// <param name="name">What the source is called in errors.</param>
    /// <param name="maxLine">Most bytes of a line, its line feed included where it is kept.</param>
    /// <param name="keepLineFeed">Whether a line ends with its line feed, so that the lines joined are the source again.</param>
    /// <param name="cancellationToken">Stops waiting at once, also for a source that cannot be cancelled.</param>
    /// <returns>Lines that are valid only until the next one is asked for.</returns>
    /// <exception cref="StarlingException">A line is longer than the limit.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        Stream source, string name, int maxLine, bool keepLineFeed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pipe = PipeReader.Create(source, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        var feed = keepLineFeed ? 1 : 0;
        var number = 1L;
        while (true)
        {
            // A console or pipe read cannot be cancelled; the process ends with it pending.
            var read = await pipe.ReadAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                var line = rest.Slice(0, end);
                Check(line.Length + feed);
                if (keepLineFeed) line = rest.Slice(0, rest.GetPosition(1, end));
                rest = rest.Slice(rest.GetPosition(1, end));
                yield return line.IsSingleSegment ? line.First : line.ToArray();
                number++;
            }

            Check(rest.Length);
            if (read.IsCompleted)
            {
                if (rest.Length > 0) yield return rest.ToArray();
                await pipe.CompleteAsync().ConfigureAwait(false);
                yield break;
            }

            pipe.AdvanceTo(rest.Start, rest.End);
        }

        void Check(long length)
        {
            if (length > maxLine)
                throw new StarlingException($"line {number} of {name} is longer than the {maxLine} bytes that a message holds: split it");
        }
    }
}
