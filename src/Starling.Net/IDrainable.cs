namespace Starling.Net;

/// <summary>A part of a node that can finish what is under way before it is stopped.</summary>
public interface IDrainable
{
    /// <summary>Refuses new work of peers from now on where somebody waits for its answer, and waits for what is under way. Idempotent.</summary>
    /// <param name="cancellationToken">Ends the wait; what is under way then goes on until the part is disposed.</param>
    Task DrainAsync(CancellationToken cancellationToken);
}
