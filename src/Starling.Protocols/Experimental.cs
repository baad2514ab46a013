using System.Diagnostics.CodeAnalysis;

// The cores are public so that a simulator, a fuzzer or another shell can run them, and may still change between versions.
[assembly: Experimental("STARLING001")]
