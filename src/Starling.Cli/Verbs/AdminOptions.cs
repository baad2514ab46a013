using System.CommandLine;

namespace Starling.Cli.Verbs;

/// <summary>How a verb finds the admin socket of a running node.</summary>
internal sealed class AdminOptions
{
    private readonly Option<string?> _admin = new("--admin")
    {
        Description = "The running node's admin socket. Default: that of --identity, or of the only node that runs.",
        HelpName = "PATH",
    };

    private readonly Option<string?> _identity = new("--identity") { Description = "Key file of the running node.", HelpName = "FILE" };

    public void AddTo(Command verb)
    {
        verb.Add(_admin);
        verb.Add(_identity);
    }

    /// <summary>The socket's path.</summary>
    /// <exception cref="StarlingException">None can be found, or there are several.</exception>
    public async Task<string> FindAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(_admin) is { } path) return path;
        if (arguments.GetValue(_identity) is { } file)
        {
            if (!File.Exists(file)) throw new StarlingException($"There is no key file {file}.");
            using var identity = NodeIdentity.LoadOrCreate(file);
            return AdminSocket.DefaultPath(identity.PeerId);
        }

        return await AdminSocket.FindAsync(cancellationToken).ConfigureAwait(false) switch
        {
            [var only] => only,
            [] => throw new StarlingException($"No running node was found in {AdminSocket.Folder}; start one with 'starling node', or name its socket with --admin."),
            var several => throw new StarlingException($"{several.Count} nodes run; name one with --admin: {string.Join(", ", several)}"),
        };
    }
}
