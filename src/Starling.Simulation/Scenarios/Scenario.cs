namespace Starling.Simulation;

/// <summary>A story of a network: what it is like, what happens to it, and when its messages are published.</summary>
/// <remarks>Immutable; may be run any number of times, also side by side.</remarks>
public sealed class Scenario
{
    private readonly Action<SimulationOptions> _configure;
    private readonly Action<SimulatedNetwork> _play;

    /// <summary>Creates a scenario.</summary>
    /// <param name="name">What it is called: a word.</param>
    /// <param name="description">A sentence on what happens.</param>
    /// <param name="play">Lets time pass and things happen. Messages that count are published in phases that are measured.</param>
    /// <param name="configure">Sets what the scenario's network is like, where that is not the default.</param>
    public Scenario(string name, string description, Action<SimulatedNetwork> play, Action<SimulationOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(description);
        ArgumentNullException.ThrowIfNull(play);
        (Name, Description, _play, _configure) = (name, description, play, configure ?? (static _ => { }));
    }

    /// <summary>What it is called.</summary>
    public string Name { get; }

    /// <summary>A sentence on what happens.</summary>
    public string Description { get; }

    /// <summary>Options as this scenario has them by default, to be changed and given to <see cref="Run"/>.</summary>
    public SimulationOptions NewOptions()
    {
        var options = new SimulationOptions();
        _configure(options);
        return options;
    }

    /// <summary>Plays it.</summary>
    /// <param name="options">What the network is like; from <see cref="NewOptions"/> as a rule.</param>
    /// <param name="cancellationToken">Ends the run between two events.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public SimulationReport Run(SimulationOptions options, CancellationToken cancellationToken = default)
    {
        var network = new SimulatedNetwork(options, cancellationToken);
        _play(network);
        return SimulationReport.Of(network, Name);
    }
}
