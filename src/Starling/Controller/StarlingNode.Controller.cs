namespace Starling;

public sealed partial class StarlingNode
{
    /// <summary>Registers this node with a controller and waits until all expected nodes are registered: a common start. Blocks no thread.</summary>
    /// <param name="controller">The client; stays the caller's.</param>
    /// <param name="cancellationToken">Ends the wait; the registration then ages out at the controller.</param>
    /// <returns>Every node that starts.</returns>
    /// <exception cref="StarlingException">The controller refuses; the message says why. One that cannot be reached is tried again until cancelled.</exception>
    public Task<ControllerState> WaitForControllerAsync(ControllerClient controller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return controller.WaitForStartAsync(PeerId, new ControllerRegistration(_options.DisplayName, [.. Addresses.Take(64).Select(address => address.ToString())]), cancellationToken);
    }

    /// <summary>Tells a controller how this node is doing.</summary>
    /// <exception cref="StarlingException">The controller refuses; the message says why.</exception>
    public Task<ControllerState> ReportAsync(ControllerClient controller, ControllerStatus status, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return controller.ReportAsync(PeerId, status, cancellationToken);
    }
}
