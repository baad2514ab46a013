using System.IO.Pipelines;

namespace Starling;

/// <summary>Shapes of System.IO over an <see cref="IStream"/>.</summary>
public static class StreamExtensions
{
    /// <summary>The stream as a <see cref="Stream"/>. Disposing it disposes the stream.</summary>
    public static Stream AsStream(this IStream stream) => throw new NotSupportedException(stream?.ToString());

    /// <summary>The stream as pipes; completing the output ends this side's direction, completing the input with an error resets.</summary>
    public static IDuplexPipe AsPipe(this IStream stream) => throw new NotSupportedException(stream?.ToString());
}
