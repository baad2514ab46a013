namespace Starling;

/// <summary>The application behind a node, as far as the node needs to know it. Every member has a default; implement those that matter.</summary>
/// <remarks>Given by <see cref="NodeEnvironment.Application"/> or <see cref="StarlingNode.Application"/>, or found among a host's services.
/// Members are called from several threads; they return at once. A call that throws is logged, and a refusal is assumed where one was asked for.</remarks>
public interface INodeApplication
{
    /// <summary>The round of work that the application is in: its own count, shown where the node's state is shown. Default 0.</summary>
    long Round => 0;

    /// <summary>A sentence about what the application is doing. Default empty.</summary>
    string Status => "";

    /// <summary>Sets the node's options, before they are checked and the node is made. Not called when the application is set later.</summary>
    void Configure(StarlingOptions options)
    {
    }

    /// <summary>Whether a new link is refused: asked live, before each dial and for each link that was authenticated.</summary>
    /// <param name="peer">Who, or null before a dial whose address names nobody.</param>
    /// <param name="direction">Who dials.</param>
    /// <returns>Why, as a sentence that both sides are told; null admits.</returns>
    string? RefuseLink(PeerId? peer, Direction direction) => null;

    /// <summary>The set of direct neighbours has changed.</summary>
    /// <param name="neighbours">All of them now; does not change afterwards.</param>
    void OnNeighboursChanged(IReadOnlyCollection<PeerId> neighbours)
    {
    }
}
