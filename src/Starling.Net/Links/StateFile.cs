using Microsoft.Extensions.Logging;

namespace Starling.Net.Links;

/// <summary>One small file that is read whole and replaced whole, so that whoever reads it, whenever the writer died, finds all of it or what was there before.</summary>
/// <remarks>Mode 0600 in folders of mode 0700. Written beside its place under <c>.tmp</c>, flushed to the disk, then renamed. One writer at a time.</remarks>
internal sealed class StateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _path;
    private readonly string _what;
    private readonly long _maxBytes;
    private readonly ILogger _logger;

    /// <summary>Names the file; nothing is touched.</summary>
    /// <param name="path">Where.</param>
    /// <param name="what">What it is called in errors, such as “peer book”.</param>
    /// <param name="maxBytes">A longer file is damaged.</param>
    /// <param name="logger">Told of a damaged file.</param>
    public StateFile(string path, string what, long maxBytes, ILogger logger) => (_path, _what, _maxBytes, _logger) = (Path.GetFullPath(path), what, maxBytes, logger);

    private string Temporary => $"{_path}.tmp";

    private string Damaged => $"{_path}.damaged";

    /// <summary>Reads and understands the file, and makes sure that it can be written. A file that cannot be understood is set aside.</summary>
    /// <param name="parse">Throws <see cref="FormatException"/> when the bytes are no such file.</param>
    /// <returns>What it holds, or the default when there is none or it was set aside.</returns>
    /// <exception cref="StarlingException">The path cannot be used.</exception>
    public T? Load<T>(Func<ReadOnlyMemory<byte>, T> parse)
    {
        if (Directory.Exists(_path)) throw new StarlingException($"The {_what} file '{_path}' is a directory. Name a file, for example '{Path.Combine(_path, "peers.json")}'.");
        try
        {
            CreateDirectory();
            WriteTemporary([]);
            File.Delete(Temporary);
            if (!File.Exists(_path)) return default;
            return Parse(parse);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The {_what} file '{_path}' cannot be used ({error.Message}). Name a file in a directory that this user may write.", error);
        }
    }

    /// <summary>Replaces the file.</summary>
    /// <exception cref="StarlingException">It cannot be written; the old one is still there.</exception>
    public void Save(ReadOnlySpan<byte> bytes)
    {
        try
        {
            CreateDirectory();
            WriteTemporary(bytes);
            File.Move(Temporary, _path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The {_what} file '{_path}' cannot be written ({error.Message}). Free space, or name a file in a directory that this user may write.", error);
        }
    }

    private T? Parse<T>(Func<ReadOnlyMemory<byte>, T> parse)
    {
        try
        {
            return parse(Read());
        }
        catch (Exception error) when (error is FormatException or UnauthorizedAccessException or IOException)
        {
            File.Move(_path, Damaged, overwrite: true);
            PeersLog.FileDamaged(_logger, _what, _path, Damaged, error.Message);
            return default;
        }
    }

    private byte[] Read()
    {
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (file.Length > _maxBytes) throw new FormatException($"it has {file.Length} bytes, more than the {_maxBytes} that it may have");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private void CreateDirectory()
    {
        var directory = Path.GetDirectoryName(_path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
    }

    private void WriteTemporary(ReadOnlySpan<byte> bytes)
    {
        // What an earlier process left behind may have another owner or mode.
        File.Delete(Temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using var file = new FileStream(Temporary, options);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
    }
}
