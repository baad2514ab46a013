using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Reads one inbound stream: cuts it into RPCs, has the router screen each, checks the signatures that are left here, outside the router's turn, and hands the RPC in.</summary>
/// <remarks>Signatures are the heavy part, about 0.2 ms each: checked per neighbour, in order, they use as many cores as there are neighbours, while the
/// router's loop only looks up. The next RPC is read when this one is done with, so a busy router slows the streams that feed it and nothing else.</remarks>
internal sealed class RpcReader(PeerId from, IStream stream, TopicRouter router) : RouterEvent
{
    private readonly Rpc _rpc = new();
    private readonly List<TopicSubscription> _blocked = [];
    private bool _verified;
    private int _unverified;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var frames = new RpcFrameReader(stream, router.Options.MaxRpcBytes);
        try
        {
            while (await frames.ReadAsync(cancellationToken).ConfigureAwait(false) is { } body)
            {
                var refusal = RpcCodec.Decode(body, router.Options, _rpc);
                if (refusal != PubSubRefusal.None) throw new RpcRefusedException(refusal, $"An RPC was refused: {refusal}.");
                await HandInAsync(verified: false).ConfigureAwait(false);
                if (_unverified == 0) continue;
                _rpc.VerifySignatures();
                await HandInAsync(verified: true).ConfigureAwait(false);
                if (_blocked.Count > 0) await WaitForSubscribersAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (RpcRefusedException refused)
        {
            router.Log.RpcRefused(from, refused.Message);
            await router.RunAsync(r => r.Core.CountRefusal(refused.Reason)).ConfigureAwait(false);
            stream.Reset();
        }
    }

    public override void Run(TopicRouter router)
    {
        if (_verified) router.Accept(from, _rpc, _blocked);
        else _unverified = router.Receive(from, _rpc);
    }

    private async ValueTask HandInAsync(bool verified)
    {
        _verified = verified;
        await router.PostAsync(this).ConfigureAwait(false);
        await Completion.ConfigureAwait(false);
        Renew();
    }

    private async Task WaitForSubscribersAsync(CancellationToken cancellationToken)
    {
        foreach (var subscription in _blocked) await router.WaitForRoomAsync(subscription, cancellationToken).ConfigureAwait(false);
        _blocked.Clear();
    }
}
