using System.Threading.Channels;

namespace Starling.Net.PubSub.Groups;

/// <summary>A request that waits for answers.</summary>
internal sealed class PendingAsk(int wanted)
{
    private readonly Channel<TopicAnswer> _answers = Channel.CreateBounded<TopicAnswer>(new BoundedChannelOptions(wanted) { FullMode = BoundedChannelFullMode.DropWrite });
    private string? _failure;

    public ChannelReader<TopicAnswer> Answers => _answers.Reader;

    /// <summary>What the last responder that failed said.</summary>
    public string? Failure => Volatile.Read(ref _failure);

    /// <summary>False when nobody wants it any more.</summary>
    public bool Take(TopicAnswer answer) => _answers.Writer.TryWrite(answer);

    /// <summary>A responder failed. An asker of one answer waits no longer.</summary>
    public void Fail(string words)
    {
        Volatile.Write(ref _failure, words);
        if (wanted == 1) _answers.Writer.TryComplete();
    }
}
