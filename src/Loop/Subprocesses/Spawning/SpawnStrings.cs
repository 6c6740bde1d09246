using System.Collections;

namespace UnixLoop.Subprocesses;

/// <summary>Every string that a spawn hands to the C library, in native memory.</summary>
internal unsafe ref struct SpawnStrings : IDisposable
{
    private NativeStrings _strings;
    private readonly EnvironmentBlock? _environment;
    private readonly int _environmentIndex;
    private readonly int _fileNameIndex;
    private readonly int _workingDirectoryIndex;

    /// <param name="info">Read now.</param>
    /// <param name="cached">Our variables; null reads them now.</param>
    /// <param name="scratch">On the stack, for what is short.</param>
    internal SpawnStrings(SubprocessStartInfo info, EnvironmentBlock? cached, Span<nint> scratch)
    {
        const int Nulls = 2, Paths = 2, Argv0 = 1;
        string? argv0 = info.Argv0, directory = info.WorkingDirectory;
        if (cached is not null && !info.ClearEnvironment && info.Environment.Count == 0)
            _environment = cached;
        IDictionary? ours = _environment is null ? ChildEnvironment.Ours(info, cached) : null;
        _strings = new NativeStrings(Argv0 + info.Arguments.Count + ChildEnvironment.CountAtMost(info, ours) + Nulls + Paths, scratch);
        try
        {
            _strings.Add(argv0 ?? info.FileName);
            for (int i = 0; i < info.Arguments.Count; i++)
                _strings.Add(info.Arguments[i]);
            _strings.AddNull();

            _environmentIndex = _strings.Count;
            SearchPath = _environment is null ? ChildEnvironment.Write(ref _strings, info, ours) : _environment.SearchPath;
            _strings.AddNull();

            _fileNameIndex = argv0 is null ? 0 : _strings.Count;
            if (argv0 is not null)
                _strings.Add(info.FileName);
            _workingDirectoryIndex = _strings.Count;
            if (directory is null)
                _strings.AddNull();
            else
                _strings.Add(directory);
            _strings.Complete();
        }
        catch
        {
            _strings.Dispose(); // lists that are changed meanwhile: nobody else gets to dispose it
            throw;
        }
    }

    /// <summary>The child's PATH; null if it has none.</summary>
    internal string? SearchPath { get; }

    internal readonly byte** Argv => _strings.From(0);

    internal readonly byte** Envp => _environment is null ? _strings.From(_environmentIndex) : _environment.Envp;

    internal readonly byte* FileName => *_strings.From(_fileNameIndex);

    /// <summary>Null: ours.</summary>
    internal readonly byte* WorkingDirectory => *_strings.From(_workingDirectoryIndex);

    public void Dispose() => _strings.Dispose();
}
