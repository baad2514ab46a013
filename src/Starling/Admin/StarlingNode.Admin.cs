using Microsoft.Extensions.Logging;

namespace Starling;

public sealed partial class StarlingNode
{
    private AdminServer? _admin;

    /// <summary>Where this node's admin socket is, or null when it has none.</summary>
    public string? AdminPath => _admin?.Path;

    private async Task StartAdminAsync(CancellationToken cancellationToken)
    {
        if (_options.Admin is not { } path) return;
        if (path == AdminSocket.Default) path = AdminSocket.DefaultPath(PeerId);
        var logger = _environment.Loggers.CreateLogger<StarlingNode>();
        _admin = await AdminServer.StartAsync(path, new NodeCommands(this).All, _environment.Clock, logger, cancellationToken);
        FacadeLog.AdminListening(logger, path);
    }
}
