using System.Buffers;
using Starling.Gateways.Gossip;

namespace Starling.Fuzz;

/// <summary>What a client of the gossip API sends, in pieces: what is read is written back byte for byte but for reserved bits, and never more is taken than is there.</summary>
internal sealed class GossipMessages() : Target("gossip-messages", Whole.SelectMany(GossipMessageCodec.Write).ToArray(), GossipMessageCodec.Write(Whole[0]), GossipMessageCodec.Write(new GossipNotification(7, 42, new byte[] { 1 })))
{
    private static readonly GossipMessage[] Whole = [new GossipAnnounce(3, 42, new byte[] { 1, 2, 3 }), new GossipNotify(42), new GossipValidation(7, true)];

    public override void Feed(byte[] input, RandomSource random)
    {
        var pending = new ArrayBufferWriter<byte>();
        var taken = 0;
        for (var at = 0; at < input.Length;)
        {
            // As a connection does: a piece more, then all messages that are whole.
            var piece = Math.Min(1 + random.Next(32), input.Length - at);
            pending.Write(input.AsSpan(at, piece));
            at += piece;
            var rest = new ReadOnlySequence<byte>(pending.WrittenMemory[taken..]);
            while (true)
            {
                var before = rest.Length;
                if (GossipMessageCodec.ReadFromClient(ref rest, out var message) != GossipCloseReason.None) return;
                if (message is null) break;
                var written = GossipMessageCodec.Write(message);
                Hold(written.Length == before - rest.Length, "a message has the length that it says");
                Hold(written.AsSpan(0, 4).SequenceEqual(pending.WrittenSpan.Slice(taken, 4)), "what is read is what was there");
                taken += written.Length;
            }
        }
    }
}

/// <summary>INI files: read, or refused with one sentence that names the file.</summary>
internal sealed class GossipFiles() : Target(
    "gossip-files",
    "hostkey = '/h;k.pem' ; key\n[GLOBAL]\n[gossip]\r\ndegree: 30 # all\nbootstrapper = 127.0.0.1:6001\nlisten_address = [::1]:6001\napi_address=127.0.0.1:7001\nmax_ttl=4\npeer_exchange = off\ncache_size = 50\n"u8.ToArray(),
    "\uFEFF[Gossip]\rMAX_CONNECTIONS = \"8\"\n[x]\ny=z"u8.ToArray())
{
    public override void Feed(byte[] input, RandomSource random)
    {
        try
        {
            var config = GossipConfig.Parse(System.Text.Encoding.UTF8.GetString(input), "gossip.ini");
            var problems = new OptionProblems();
            config.ToApiOptions().Check(problems);
            Hold(problems.All.Count == 0, "what a file may say is what options may be");
        }
        catch (StarlingException error)
        {
            Hold(error.Message.StartsWith("gossip.ini:", StringComparison.Ordinal), "an error names the file");
        }
    }
}
