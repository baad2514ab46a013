namespace Starling.Gateways.Gossip;

/// <summary>Hops of the gossip API: 0 sets no limit of its own, and a maximum caps everything, 0 included.</summary>
public static class GossipTtl
{
    /// <summary>The hops that an announcement may make.</summary>
    /// <param name="announced">What the client asks for.</param>
    /// <param name="maxTtl">The maximum; 0 for none.</param>
    /// <returns>The hops; 0 for no limit.</returns>
    public static int Cap(int announced, int maxTtl)
    {
        if (maxTtl == 0) return announced;
        return announced == 0 ? maxTtl : Math.Min(announced, maxTtl);
    }
}
