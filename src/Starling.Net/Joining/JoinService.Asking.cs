using System.Runtime.CompilerServices;
using Starling.Net.Discovery;
using Starling.Net.Requests;
using Starling.Protocols.Joining;
using Starling.Protocols.Requests;

namespace Starling.Net.Joining;

/// <content>Asking to be let in.</content>
public sealed partial class JoinService
{
    /// <summary>Finds peers, or takes those at given addresses, links to them and asks each to be let in; returns what came of it.</summary>
    /// <remarks>Peers are asked as they are found, several at a time; one that is slow or hostile holds up nobody. Links that are made for it are
    /// transient: they become direct when the host accepts, and are cleaned up like any unused one when it does not.</remarks>
    /// <param name="options">Whom, how many, how long; null searches with every discovery that runs.</param>
    /// <param name="cancellationToken">Ends it with an exception; links that were made stay.</param>
    /// <exception cref="StarlingException">There are no addresses, and no discovery runs.</exception>
    /// <exception cref="UnknownDiscoveryException">A discovery that is named is not there.</exception>
    public async Task<JoinResult> JoinAsync(JoinOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new JoinOptions();
        options.Validate();
        using var activity = Tracing.Source.StartActivity("starling.join");
        using var time = new CancellationTokenSource(options.Timeout, _clock);
        using var enough = new CancellationTokenSource();
        using var all = CancellationTokenSource.CreateLinkedTokenSource(time.Token, enough.Token, cancellationToken);
        var attempts = new Attempts(options, enough);
        try
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.MaxParallel, CancellationToken = all.Token };
            await Parallel.ForEachAsync(CandidatesAsync(options, all.Token), parallel, async (peer, _) => attempts.Add(await AskAsync(peer, attempts, all.Token).ConfigureAwait(false))).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is over, or enough have accepted: whoever was being asked has reported so.
        }

        var result = attempts.Result();
        foreach (var one in result.Asked) _metrics.Joined(one.Outcome);
        activity?.SetTag("starling.join.asked", result.Asked.Count);
        return result;
    }

    /// <summary>Whom to ask, one after the other as they become known, each once as far as can be seen before a link is made.</summary>
    private async IAsyncEnumerable<DiscoveredPeer> CandidatesAsync(JoinOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = options.MaxPeers;
        var given = new HashSet<object>();
        foreach (var address in options.Addresses)
        {
            object key = address.PeerId is { } id ? id : address;
            if (!given.Add(key)) continue;
            var same = address.PeerId is null ? [address] : options.Addresses.Where(one => address.PeerId.Equals(one.PeerId)).Select(one => one.WithoutPeerId()).ToList();
            yield return new DiscoveredPeer(address.PeerId, same, "given");
            if (--left == 0) yield break;
        }

        if (options.Addresses.Count > 0 && options.Discoveries.Count == 0) yield break;
        var search = new DiscoverySearch { Timeout = options.SearchTimeout };
        var discoveries = options.Discoveries.Select(name => _discovery[name]).ToList();
        var found = discoveries.Count == 0 ? _discovery.FindAsync(search, cancellationToken) : DiscoverySet.FindAsync(discoveries, search, cancellationToken);
        await foreach (var peer in found.ConfigureAwait(false))
        {
            if (_host.LocalPeer.Equals(peer.Peer) || !given.Add(peer.Peer is { } id ? id : peer.Addresses[0])) continue;
            yield return peer;
            if (--left == 0) yield break;
        }
    }

    private async Task<JoinAttempt> AskAsync(DiscoveredPeer peer, Attempts attempts, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(attempts.Options.PeerTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        var (who, isLinked) = (peer.Peer, false);
        try
        {
            var link = await _host.ConnectAsync(peer.Peer, peer.Addresses, LinkKind.Transient, either.Token).ConfigureAwait(false);
            (who, isLinked) = (link.Peer, true);
            if (!attempts.TryTake(link.Peer)) return End(JoinOutcome.Duplicate, "this peer was asked already");
            var reply = await _requests.RequestAsync(link.Peer, JoinReply.RequestName, attempts.Options.Payload, attempts.Options.PeerTimeout, either.Token).ConfigureAwait(false);
            if (!JoinReply.TryRead(reply, out var isAccepted, out var reason, out var answer)) return End(JoinOutcome.NoAnswer, "the answer cannot be read");
            return isAccepted ? new JoinAttempt(who, peer.Addresses, JoinOutcome.Accepted, true, null, answer) : End(JoinOutcome.Refused, reason!);
        }
        catch (OperationCanceledException)
        {
            return attempts.AreEnough ? End(JoinOutcome.NotNeeded, "enough others had accepted")
                : End(JoinOutcome.TimedOut, isLinked ? "the peer did not answer in time" : "no link was made in time");
        }
        catch (RequestException wrong)
        {
            return End(wrong.Failure == RequestFailure.Timeout ? JoinOutcome.TimedOut : JoinOutcome.NoAnswer, wrong.Message);
        }
        catch (HandshakeException wrong) when (wrong.Failure == HandshakeFailure.SelfDial)
        {
            return End(JoinOutcome.Duplicate, "the address leads to this very node");
        }
        catch (Exception wrong)
        {
            return End(isLinked ? JoinOutcome.NoAnswer : JoinOutcome.NotLinked, wrong.Message);
        }

        JoinAttempt End(JoinOutcome outcome, string reason) => new(who, peer.Addresses, outcome, isLinked, reason, default);
    }

    /// <summary>What came of one call so far. Safe for several threads.</summary>
    private sealed class Attempts(JoinOptions options, CancellationTokenSource enough)
    {
        private readonly Lock _gate = new();
        private readonly List<JoinAttempt> _all = [];
        private readonly HashSet<PeerId> _taken = [];
        private int _accepted;

        public JoinOptions Options { get; } = options;

        public bool AreEnough => enough.IsCancellationRequested;

        public bool TryTake(PeerId peer)
        {
            lock (_gate) return _taken.Add(peer);
        }

        public void Add(JoinAttempt attempt)
        {
            bool isEnough;
            lock (_gate)
            {
                _all.Add(attempt);
                isEnough = attempt.Outcome == JoinOutcome.Accepted && ++_accepted == Options.Enough;
            }

            if (isEnough) enough.Cancel();
        }

        public JoinResult Result()
        {
            lock (_gate) return new JoinResult([.. _all]);
        }
    }
}
