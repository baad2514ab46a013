using System.Globalization;
using System.Text;
using Starling.Bench.PubSub.Nats;

namespace Starling.Bench.PubSub.Ends;

/// <summary>A NATS client as publisher or subscriber.</summary>
internal sealed class NatsEnd : IBenchEnd
{
    private NatsClient? _client;
    private (string Topic, byte[] Subject) _last = ("", []);

    public string Address => "";

    private NatsClient Client => _client ?? throw new InvalidOperationException("Not connected.");

    /// <param name="address">Port and certificate of the server, with a slash between them.</param>
    public async Task ConnectAsync(string address)
    {
        var parts = address.Split('/');
        _client = await NatsClient.ConnectAsync(int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
    }

    /// <summary>Nothing: whoever connects to the server is one.</summary>
    public void SetMembers(string members)
    {
    }

    public Task SubscribeAsync(string topic) => Client.SubscribeAsync(topic);

    /// <summary>The server knew of the subscription before the subscriber's own call returned.</summary>
    public Task WaitAsync(string topic, int subscribers) => Task.CompletedTask;

    public ValueTask PublishAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        if (!ReferenceEquals(_last.Topic, topic)) _last = (topic, Encoding.ASCII.GetBytes(topic));
        return Client.PublishAsync(_last.Subject, payload);
    }

    public ValueTask FlushAsync() => Client.FlushAsync();

    public Task ReceiveAsync(string topic, Tally tally) => Client.ReadAsync(tally.Take);

    public ValueTask DisposeAsync() => _client?.DisposeAsync() ?? ValueTask.CompletedTask;
}
