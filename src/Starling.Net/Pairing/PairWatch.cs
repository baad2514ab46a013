using Starling.Net.PubSub;

namespace Starling.Net.Pairing;

/// <summary>Counts the linked peers that follow one topic, or a topic that one pattern means. Safe for several threads.</summary>
internal sealed class PairWatch(WireTopic topic) : IFollowerObserver
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, int> _followers = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Who follows it now.</summary>
    public IReadOnlyList<PeerId> Peers
    {
        get
        {
            lock (_gate) return [.. _followers.Keys];
        }
    }

    public void OnFollower(WireTopic followed, PeerId peer, bool follows)
    {
        if (followed.Family != topic.Family || !PairingSubject.Meet(topic.Name, followed.Name)) return;
        lock (_gate)
        {
            var count = _followers.GetValueOrDefault(peer) + (follows ? 1 : -1);
            if (count > 0) _followers[peer] = count;
            else _followers.Remove(peer);
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Completes once at least so many, or fewer than so many, follow it.</summary>
    public async Task WaitAsync(int count, bool fewer, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_followers.Count < count == fewer) return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
