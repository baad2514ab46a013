namespace Starling;

public sealed partial class StarlingOptions
{
    /// <summary>The Unix domain socket through which the tool administers the running node: a path, or <c>default</c> for <see cref="AdminSocket.DefaultPath"/>. Default null: none.</summary>
    /// <remarks>Only this user can open it: mode 0600. Nothing of it is reachable over the network.</remarks>
    public string? Admin { get; set; }
}
