using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Starling.Messages;

namespace Starling;

/// <summary>Identity files: the PrivateKey message of the peer-ids spec as it is, as go-libp2p and rust-libp2p keep theirs.</summary>
internal static partial class KeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerDirectory = OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>An RSA key of 8,192 bits takes under 5 KiB.</summary>
    private const int MaxLength = 8192;

    internal static ISigner Load(string path)
    {
        var bytes = Read(path);
        try
        {
            var message = PrivateKeyMessage.Parser.ParseFrom(bytes);
            return Signers.Import((KeyType)message.Type, message.Data.Span);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or FormatException or CryptographicException)
        {
            throw new StarlingException(
                $"The key file '{path}' is damaged or no libp2p private key ({e.Message}). Restore it from a backup, or move it away to get a new identity.", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Writes a temporary file beside the path, flushes it to disk, then gives it its name, which must be free.</summary>
    /// <returns>False when a file had the name already, also when another process took it meanwhile.</returns>
    internal static bool TryCreate(string path, ISigner key)
    {
        var full = Path.GetFullPath(path);
        var data = key.ExportPrivateData();
        var bytes = new PrivateKeyMessage { Type = (KeyTypeMessage)key.Type, Data = UnsafeByteOperations.UnsafeWrap(data) }.ToByteArray();
        var temporary = $"{full}.{RandomSource.System.NextUInt64():x16}.tmp";
        try
        {
            CreateDirectory(Path.GetDirectoryName(full)!);
            try
            {
                WriteNew(temporary, bytes);
                return TryName(temporary, full);
            }
            finally
            {
                if (File.Exists(temporary)) File.Delete(temporary);
            }
        }
        catch (IOException) when (Path.Exists(full))
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The key file '{path}' cannot be written ({e.Message}). Name a file in a directory that this user may write.", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(data);
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static byte[] Read(string path)
    {
        if (Directory.Exists(path)) throw new StarlingException($"The key file '{path}' is a directory. Name a file, for example '{Path.Combine(path, "identity.key")}'.");
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (!OperatingSystem.IsWindows())
            {
                var mode = File.GetUnixFileMode(file.SafeFileHandle);
                if ((mode & ~OwnerDirectory) != UnixFileMode.None)
                {
                    throw new StarlingException(
                        $"The key file '{path}' can be used by other users (mode {Convert.ToString((int)mode, 8)}). Run: chmod 600 '{path}'. If others may have read it, make a new identity.");
                }
            }

            if (file.Length is 0) throw new StarlingException($"The key file '{path}' is empty. Restore it from a backup, or delete it to get a new identity.");
            if (file.Length > MaxLength) throw new StarlingException($"The key file '{path}' has {file.Length} bytes, more than any key ({MaxLength}); it is something else. Name the right file.");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StarlingException($"There is no key file '{path}'. Check the path, or create an identity there first.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The key file '{path}' cannot be read ({e.Message}). Check its owner, and run: chmod 600 '{path}'.", e);
        }
    }

    private static void CreateDirectory(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, OwnerDirectory);
    }

    /// <summary>Gives a finished file its name unless the name is taken: in one step, so that processes that start at once agree.</summary>
    private static bool TryName(string temporary, string path)
    {
        if (Path.Exists(path)) return false;
        // .NET's move looks whether the name is free before it renames, and rename overwrites; a hard link does not.
        if (!OperatingSystem.IsWindows() && link(temporary, path) == 0) return true;
        // A file system without hard links, or Windows, whose own move is exclusive.
        File.Move(temporary, path, overwrite: false);
        return true;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int link(string existing, string created);

    private static void WriteNew(string path, ReadOnlySpan<byte> bytes)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using var file = new FileStream(path, options);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
    }
}
