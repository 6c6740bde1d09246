namespace UnixLoop.Transports.Pipes;

/// <summary>What a <see cref="ReadPump"/> fills. Every member is called under the pump's lock.</summary>
internal interface IReadSink
{
    /// <summary>Tells the sink, before anything else, whom to <see cref="ReadPump.Resume"/>.</summary>
    void Attach(ReadPump pump);

    /// <summary>Room for the next read; at least <see cref="PipeDefaults.LargestPacket"/> bytes.</summary>
    /// <param name="sizeHint">What the read is expected to bring; with less room it takes several reads.</param>
    Span<byte> GetSpan(int sizeHint);

    /// <summary>The first <paramref name="count"/> bytes of the room have been filled.</summary>
    void Advance(int count);

    /// <summary>Hands on what was filled. False asks for a pause, until <see cref="ReadPump.Resume"/>.</summary>
    bool Flush();

    /// <summary>The end, exactly once; what was filled and not flushed counts.</summary>
    /// <param name="error">Null at end of file.</param>
    void Complete(Exception? error);
}
