using System.Runtime.InteropServices;
using Starling.Cli;

// The first Ctrl-C (or SIGTERM) asks the verb to stop; a second one ends the process at once.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var output = new Output();
return await Tool.RunAsync(args, output, stop.Token).ConfigureAwait(false);

void Stop(PosixSignalContext signal)
{
    if (stop.IsCancellationRequested) return;
    signal.Cancel = true;
    stop.Cancel();
}
