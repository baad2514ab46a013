using Starling.Protocols.Spread;

namespace Starling.Net.Spread;

/// <content>Items that are taken back after they were accepted.</content>
public sealed partial class SpreadService
{
    private readonly List<(SpreadKey Key, bool Reject)> _withdrawn = [];

    /// <summary>Offers an accepted item to no neighbour any more. Returns at once; takes effect before anything else that the node sends from now on.</summary>
    /// <param name="key">The item, own or another's; one that is not kept is left as it is.</param>
    /// <param name="reject">Whether copies that arrive are refused from now on, as by <see cref="RejectAsync"/>.</param>
    public void Withdraw(SpreadKey key, bool reject = false)
    {
        lock (_gate) _withdrawn.Add((key, reject));
        Wake();
    }

    /// <summary>Carries out what was asked for. Under the lock.</summary>
    private void ReconcileWithdrawn()
    {
        foreach (var (key, reject) in _withdrawn)
        {
            if (reject) _core.Reject(key, Clock.Now(), _effects);
            else _core.Withdraw(key, Clock.Now());
        }

        _withdrawn.Clear();
    }
}
