namespace Starling.Bench.PubSub.Ends;

/// <summary>What one side of a comparison can do, the same for each system: a publisher or a subscriber in a process of its own.</summary>
internal interface IBenchEnd : IAsyncDisposable
{
    /// <summary>Where others connect to, or an empty string.</summary>
    string Address { get; }

    /// <summary>Connects to another end's address.</summary>
    Task ConnectAsync(string address);

    /// <summary>Says who may follow topics of a closed list, each by its peer id, with commas between them.</summary>
    void SetMembers(string members);

    /// <summary>Subscribes to a topic, which is its kind and its name with a colon between them.</summary>
    Task SubscribeAsync(string topic);

    /// <summary>Completes when so many subscribers of a topic are known to this publisher.</summary>
    Task WaitAsync(string topic, int subscribers);

    /// <summary>Publishes; a full way out makes it wait.</summary>
    ValueTask PublishAsync(string topic, ReadOnlyMemory<byte> payload);

    /// <summary>Lets go of what was published but still waits for more to fill a batch.</summary>
    ValueTask FlushAsync();

    /// <summary>Reads a subscribed topic's messages into a tally until it is full.</summary>
    Task ReceiveAsync(string topic, Tally tally);
}
