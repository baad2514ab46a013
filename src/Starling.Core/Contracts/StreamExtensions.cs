using System.IO.Pipelines;

namespace Starling;

/// <summary>Shapes of System.IO over an <see cref="IStream"/>.</summary>
public static class StreamExtensions
{
    /// <summary>The stream as a <see cref="Stream"/>. Disposing it disposes the stream.</summary>
    /// <remarks>Errors are those of <see cref="IStream"/>. The synchronous methods block their thread; flushing does nothing, as writes are never held back.
    /// One read and one write at a time. End the outgoing direction with <see cref="IStream.CloseWriteAsync"/>.</remarks>
    public static Stream AsStream(this IStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new StreamAdapter(stream);
    }

    /// <summary>The stream as pipes; completing the output ends this side's direction, completing either with an error resets. Call it once per stream.</summary>
    /// <remarks>The stream stays the caller's to dispose. A cancelled flush neither loses nor repeats bytes: the next flush sends the rest.
    /// Prefer <c>CompleteAsync</c> for the output, because <c>Complete</c> blocks until what was written is sent.</remarks>
    public static IDuplexPipe AsPipe(this IStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new PipeAdapter(stream);
    }
}
