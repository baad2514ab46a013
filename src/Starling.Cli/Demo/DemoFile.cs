namespace Starling.Cli.Demo;

/// <summary>The file that a demo streams, measured before the first node starts.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Lines">Lines in it; a last one without line feed counts.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record DemoFile(string Path, long Lines, long Bytes)
{
    /// <summary>Most bytes of a line, its line feed included: what a topic's message holds, less its envelope.</summary>
    public const int MaxLine = 900 * 1024;

    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The README that ships beside the tool.</summary>
    public static string Default { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "README.md");

    /// <summary>Reads the file once.</summary>
    /// <exception cref="StarlingException">There is no such file, it cannot be read twice, or one of its lines is too long.</exception>
    public static async Task<DemoFile> MeasureAsync(string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path)) throw new StarlingException($"{path} is a directory; --file takes a file");
        if (!File.Exists(path)) throw new StarlingException($"there is no file {path}");
        await using var source = await OpenAsync(path, cancellationToken).ConfigureAwait(false);
        if (!source.CanSeek) throw new StarlingException($"{path} is a pipe or a device; --file takes a file that can be read twice");
        long lines = 0, bytes = 0;
        await foreach (var line in LineReader.ReadAsync(source, path, MaxLine, keepLineFeed: true, cancellationToken).ConfigureAwait(false))
        {
            lines++;
            bytes += line.Length;
        }

        return new DemoFile(path, lines, bytes);
    }

    /// <summary>The lines, each with its line feed: joined, they are the file.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var source = await OpenAsync(Path, cancellationToken).ConfigureAwait(false);
        await foreach (var line in LineReader.ReadAsync(source, Path, MaxLine, keepLineFeed: true, cancellationToken).ConfigureAwait(false))
            yield return line;
    }

    /// <summary>Opens the file, and gives up on one whose opening hangs, as a named pipe's does until somebody writes to it.</summary>
    private static async Task<FileStream> OpenAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, useAsync: true), cancellationToken)
                .WaitAsync(OpenTimeout, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new StarlingException($"{path} did not open within {OpenTimeout.TotalSeconds} s; --file takes a file, not a pipe", e);
        }
    }
}
