using Starling.Protocols.Links.Policy;

namespace Starling.Net.Links;

/// <summary>Which links a node looks for, keeps and gives up.</summary>
public sealed class LinkManagerOptions : LinkPolicyOptions
{
    /// <summary>Addresses of the neighbours that the node starts with, best with <c>/p2p/ID</c> at the end. Default none. At most 256.</summary>
    /// <remarks>Each is kept as by <see cref="LinkManager.Keep(Multiaddr, LinkKeepOptions?)"/>, for ever.</remarks>
    public IList<string> Initial { get; set; } = [];

    /// <summary>Time from the start of the node to the first dial of <see cref="Initial"/>: grace for nodes that are started together. Default zero, at most a day.</summary>
    public TimeSpan InitialDelay { get; set; } = TimeSpan.Zero;

    /// <summary>Sources whose peers the node stays linked to, however many neighbours it has. Default <c>bootstrap</c>. A list that is left empty stands for its default.</summary>
    /// <remarks>With <c>mdns</c> in it, every node of a network links every other: N nodes make N·(N−1)/2 links.</remarks>
    public IList<string> StayLinkedTo { get; set; } = [];

    /// <inheritdoc/>
    public override void Check(OptionProblems problems)
    {
        base.Check(problems);
        if (Initial.Count > 256) problems.Add(nameof(Initial), $"{Initial.Count} addresses", "are more than 256", "leave some out");
        foreach (var text in Initial)
        {
            try
            {
                Multiaddr.ParseUserInput(text);
            }
            catch (FormatException error)
            {
                problems.Add(nameof(Initial), text, $"is no address ({error.Message})", "write it like /ip4/192.0.2.1/tcp/4001/p2p/ID");
            }
        }

        problems.NotNegative(InitialDelay, nameof(InitialDelay));
    }
}
