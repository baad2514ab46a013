using System.Net;
using Starling.Net.Discovery;

namespace Starling.Net.Tests.Discovery;

/// <summary>Interfaces that a test changes. Those it starts with are the loopback interface's own.</summary>
internal sealed class TestNetwork : INetwork
{
    private readonly List<Action> _watchers = [];

    public IReadOnlyList<NetworkFace> Faces { get; set; } = [Loopback("127.0.0.1")];

    public int Watchers => _watchers.Count;

    public static NetworkFace Loopback(string address) => new("lo", IPAddress.Parse(address), 8);

    public IDisposable Watch(Action changed)
    {
        _watchers.Add(changed);
        return new Removal(() => _watchers.Remove(changed));
    }

    public void Change(params NetworkFace[] faces)
    {
        Faces = faces;
        _watchers.ForEach(one => one());
    }

    private sealed class Removal(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
