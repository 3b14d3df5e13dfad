# Runs R statements for the driver: see RChannel.java for the protocol.
local({
  con <- socketConnection("localhost", as.integer(Sys.getenv("LIVY_R_PORT")), open = "r+b",
                          blocking = TRUE, timeout = 86400L * 365L)
  say <- function(...) { writeBin(charToRaw(paste0(..., "\n")), con) }
  say(Sys.getenv("LIVY_R_TOKEN"), " ", Sys.getpid())
  Sys.unsetenv("LIVY_R_TOKEN")

  connectSpark <- function() {
    SparkR:::connectBackend("localhost", Sys.getenv("EXISTING_SPARKR_BACKEND_PORT"), 6000,
                            Sys.getenv("SPARKR_BACKEND_AUTH_SECRET"))
  }
  # An interrupt may leave half an answer of the backend unread, which the next call would take
  # for its own. A new connection has no such past; the backend's objects outlive the old one.
  reconnectSpark <- function() {
    try(close(get(".sparkRCon", envir = SparkR:::.sparkREnv)), silent = TRUE)
    connectSpark()
  }

  started <- tryCatch({
    dir <- Sys.getenv("SPARKR_PACKAGE_DIR")
    .libPaths(c(dir, .libPaths()))
    suppressPackageStartupMessages(library("SparkR", lib.loc = dir, character.only = TRUE))
    env <- SparkR:::.sparkREnv
    connectSpark()
    assign(".scStartTime", as.integer(Sys.time()), envir = env)
    jsc <- SparkR:::callJStatic("org.livy.driver.SparkAccess", "javaContext")
    assign(".sparkRjsc", jsc, envir = env)  # SparkR 2 and later look here
    assign(".sc", jsc, envir = env)
    session <- SparkR:::callJStatic("org.livy.driver.SparkAccess", "session")
    assign(".sparkRsession", session, envir = env)
    assign("sc", jsc, envir = globalenv())
    assign("spark", session, envir = globalenv())
    assign("sqlContext", SparkR:::callJMethod(session, "sqlContext"), envir = globalenv())
    TRUE
  }, error = function(e) conditionMessage(e))
  if (!isTRUE(started)) { say(gsub("\n", " ", started)); quit("no", 1) }
  say("READY")

  bytes <- function(x) charToRaw(enc2utf8(paste(x, collapse = "")))

  readHead <- function() {
    r <- raw(0)
    repeat {
      b <- readBin(con, "raw", 1L)
      if (length(b) == 0L) return(NULL)
      if (b == as.raw(10L)) return(rawToChar(r))
      r <- c(r, b)
    }
  }
  readBlock <- function(n) {
    r <- raw(0)
    while (length(r) < n) {
      b <- readBin(con, "raw", n - length(r))
      if (length(b) == 0L) return(NULL)
      r <- c(r, b)
    }
    s <- rawToChar(r)
    Encoding(s) <- "UTF-8"
    s
  }

  plots <- tempfile("plot")
  dir.create(plots)
  options(device = function(...) {
    grDevices::png(file.path(plots, "p%04d.png"), width = 640, height = 480, type = "cairo")
  })

  run <- function(code, outFile) {
    out <- file(outFile, "wb", encoding = "UTF-8")
    sink(out)
    sink(out, type = "message")
    on.exit({ sink(type = "message"); sink(); close(out) })
    trace <- character()
    res <- tryCatch({
      exprs <- parse(text = code, keep.source = FALSE, encoding = "UTF-8")
      withCallingHandlers({
        for (e in exprs) {
          v <- withVisible(eval(e, globalenv()))
          if (v$visible) print(v$value)
        }
      }, error = function(e) {
        calls <- vapply(sys.calls(), function(k) paste(deparse(k, nlines = 1L), collapse = " "), "")
        at <- which(calls == "eval(e, globalenv())")
        if (length(at)) calls <- calls[-seq_len(at[1] + 1L)]
        trace <<- utils::head(calls[!grepl("^(\\.handleSimpleError|h\\(simpleError)", calls)], 50L)
      }, warning = function(w) {
        cat("Warning message:\n", conditionMessage(w), "\n", sep = "")
        invokeRestart("muffleWarning")
      })
      list("OK", "")
    }, interrupt = function(i) list("ERR", "interrupted"),
    error = function(e) {
      m <- conditionMessage(e)
      if (grepl("unexpected end of input", m, fixed = TRUE)) list("INC", m)
      else if (is.null(conditionCall(e))) list("ERR", paste0("Error: ", m))
      else list("ERR", paste0("Error in ", paste(deparse(conditionCall(e), nlines = 1L), collapse = " "), ": ", m))
    })
    c(res, list(trace))
  }

  repeat {
    head <- tryCatch(readHead(), interrupt = function(i) "")
    if (is.null(head)) break
    if (!nzchar(head)) next
    h <- strsplit(head, " ", fixed = TRUE)[[1L]]
    code <- readBlock(as.integer(h[3L]))
    if (is.null(code)) break
    outFile <- tempfile("out")
    r <- tryCatch({
      SparkR:::callJMethod(get(".sc", envir = SparkR:::.sparkREnv), "setJobGroup", h[2L],
                           paste("Job group for statement", h[2L]), TRUE)
      run(code, outFile)
    }, interrupt = function(i) list("ERR", "interrupted", character()),
       error = function(e) list("ERR", conditionMessage(e), character()))
    if (identical(r[[2L]], "interrupted")) reconnectSpark()
    limit <- as.integer(h[4L])
    size <- file.size(outFile)
    if (is.na(size)) size <- 0
    text <- if (size > 0) readBin(outFile, "raw", min(size, limit)) else raw(0)
    if (size > limit) text <- c(text, charToRaw("\n... output truncated\n"))
    unlink(outFile)
    while (grDevices::dev.cur() > 1L) grDevices::dev.off()
    pics <- sort(list.files(plots, full.names = TRUE))
    pic <- if (length(pics)) readBin(pics[length(pics)], "raw", file.size(pics[length(pics)])) else raw(0)
    unlink(pics)
    msg <- bytes(r[[2L]])
    tr <- bytes(if (length(r[[3L]])) paste0(r[[3L]], "\n") else "")
    writeBin(c(charToRaw(paste(r[[1L]], length(text), length(msg), length(tr), length(pic))),
               as.raw(10L), text, msg, tr, pic), con)
  }
  quit("no", 0)
})
