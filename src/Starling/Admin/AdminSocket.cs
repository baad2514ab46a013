using System.Net.Sockets;

namespace Starling;

/// <summary>Where the admin sockets of this user's nodes are.</summary>
public static class AdminSocket
{
    /// <summary>The value of <see cref="StarlingOptions.Admin"/> that stands for <see cref="DefaultPath"/>.</summary>
    public const string Default = "default";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The folder of this user's sockets: <c>starling</c> in <c>XDG_RUNTIME_DIR</c>, or <c>starling-USER</c> in the folder for temporary files.</summary>
    public static string Folder => Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime)
        ? Path.Combine(runtime, "starling")
        : Path.Combine(Path.GetTempPath(), $"starling-{Environment.UserName}");

    /// <summary>Where a node with this id has its socket by default: it follows the identity.</summary>
    public static string DefaultPath(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return Path.Combine(Folder, $"{peer}.sock");
    }

    /// <summary>The sockets of this user's nodes that answer now, by path.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(CancellationToken cancellationToken = default)
    {
        var found = new List<string>();
        if (!Directory.Exists(Folder)) return found;
        foreach (var path in Directory.EnumerateFiles(Folder, "*.sock").Order(StringComparer.Ordinal))
        {
            if (await AnswersAsync(path, cancellationToken)) found.Add(path);
        }

        return found;
    }

    /// <summary>Makes the folder of a socket, for this user alone where it is the default one.</summary>
    /// <exception cref="StarlingException">It cannot be made, or belongs to somebody else.</exception>
    internal static void Prepare(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            if (folder != Folder || OperatingSystem.IsWindows())
            {
                if (!Directory.Exists(folder)) throw new StarlingException($"The admin socket {path} cannot be made: there is no folder {folder}; make it, or choose another path.");
                return;
            }

            // Setting the mode fails when somebody else has made the folder before us.
            Directory.CreateDirectory(folder, OwnerOnly);
            File.SetUnixFileMode(folder, OwnerOnly);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StarlingException($"The admin socket {path} cannot be made: {error.Message} Choose another path, or none.", error);
        }
    }

    /// <summary>Whether somebody accepts at a socket.</summary>
    internal static async Task<bool> AnswersAsync(string path, CancellationToken cancellationToken)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await probe.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
