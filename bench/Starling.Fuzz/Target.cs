namespace Starling.Fuzz;

/// <summary>A codec or core that is fed what a peer may send.</summary>
/// <param name="name">As <c>--target</c> names it.</param>
/// <param name="samples">Right inputs to start from.</param>
internal abstract class Target(string name, params IReadOnlyList<byte[]> samples)
{
    public string Name => name;

    public IReadOnlyList<byte[]> Samples => samples;

    /// <summary>Takes one input; throws nothing but what it documents, and checks what must hold of the outcome.</summary>
    public abstract void Feed(byte[] input, RandomSource random);

    /// <summary>Ends the run when something that must hold does not.</summary>
    protected static void Hold(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException($"It does not hold that {what}.");
    }
}
