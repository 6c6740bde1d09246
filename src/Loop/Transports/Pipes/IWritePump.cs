using System.IO.Pipelines;

namespace UnixLoop.Transports.Pipes;

/// <summary>A pump whose bytes come from a <see cref="PipeWriter"/>.</summary>
internal interface IWritePump : IPump
{
    /// <summary>Takes the bytes. Its completion ends the pump when all are written.</summary>
    PipeWriter Writer { get; }

    /// <summary>Bytes that the kernel has taken.</summary>
    long BytesWritten { get; }
}
