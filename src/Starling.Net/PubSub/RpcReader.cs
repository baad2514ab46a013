using Starling.Protocols.PubSub;

namespace Starling.Net.PubSub;

/// <summary>Reads one inbound stream: cuts it into RPCs, has the router screen each, checks the signatures that are left here, outside the router's lock, and has the router take in what holds.</summary>
/// <remarks>Signatures are the heavy part, about 0.2 ms each: checked per neighbour, in order, they use as many cores as there are neighbours, while the
/// router only looks up. The next RPC is read when this one is done with.</remarks>
internal sealed class RpcReader(PeerId from, IStream stream, TopicRouter router)
{
    private readonly Rpc _rpc = new();
    private readonly List<ITopicSink> _full = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var frames = new RpcFrameReader(stream, router.Options.MaxRpcBytes);
        try
        {
            while (await frames.ReadAsync(cancellationToken).ConfigureAwait(false) is { } body)
            {
                var refusal = RpcCodec.Decode(body, router.Options, _rpc);
                if (refusal != PubSubRefusal.None) throw new RpcRefusedException(refusal, $"An RPC was refused: {refusal}.");
                if (router.Receive(from, _rpc) == 0) continue;
                _rpc.VerifySignatures();
                router.Accept(from, _rpc, _full);
                if (_full.Count > 0) await WaitForSinksAsync(cancellationToken).ConfigureAwait(false);
                if (router.FewJudgedAsync() is { IsCompleted: false } few) await few.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (RpcRefusedException refused)
        {
            router.Log.RpcRefused(from, refused.Message);
            router.CountRefusal(refused.Reason);
            stream.Reset();
        }
    }

    private async Task WaitForSinksAsync(CancellationToken cancellationToken)
    {
        foreach (var sink in _full) await sink.RoomAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        _full.Clear();
    }
}
