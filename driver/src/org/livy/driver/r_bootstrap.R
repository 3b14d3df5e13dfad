# Runs R statements for the driver: see RChannel.java for the protocol.
local({
  con <- socketConnection("localhost", as.integer(Sys.getenv("LIVY_R_PORT")), open = "r+b",
                          blocking = TRUE, timeout = 86400L * 365L)
  say <- function(...) { writeBin(charToRaw(paste0(..., "\n")), con) }
  say(Sys.getenv("LIVY_R_TOKEN"), " ", Sys.getpid())
  # Printed text goes another way, while a statement runs.
  printed <- socketConnection("localhost", as.integer(Sys.getenv("LIVY_R_PORT")), open = "wb",
                              blocking = TRUE, timeout = 86400L * 365L)
  writeBin(charToRaw(paste0(Sys.getenv("LIVY_R_TOKEN"), "\n")), printed)
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

  # A process without a locale would show anything but ASCII as numbers.
  for (name in c("", "C.UTF-8", "en_US.UTF-8")) {
    if (!isTRUE(l10n_info()[["UTF-8"]])) suppressWarnings(Sys.setlocale("LC_CTYPE", name))
  }

  missingSpark <- Sys.getenv("LIVY_R_NO_SPARK")
  if (!nzchar(missingSpark)) missingSpark <- tryCatch({
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
    ""
  }, error = function(e) paste("SparkR did not start:", conditionMessage(e)))
  withSpark <- !nzchar(missingSpark)
  # R does without Spark; what asks for it learns why it is not there. The user may define all.
  if (!withSpark) {
    names <- attach(NULL, name = "livy")
    for (name in c("sc", "spark", "sqlContext")) {
      makeActiveBinding(name, function(value) stop(missingSpark, call. = FALSE), names)
    }
    for (name in c("createDataFrame", "read.df", "sparkR.session", "sql", "tableToDF")) {
      assign(name, function(...) stop(missingSpark, call. = FALSE), envir = names)
    }
  }
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

  # As Livy shows errors: R's own rendering of the message as a text.
  shown <- function(message, call) {
    text <- sub("\n$", "", as.character(simpleError(message, call)))
    paste0("[1] ", encodeString(text, quote = "\""))
  }

  # Like Livy, shows the value of the last expression alone.
  run <- function(code) {
    sink(printed)
    sink(printed, type = "message")
    # Code may have left sinks of its own.
    on.exit({ sink(type = "message"); while (sink.number() > 0L) sink() })
    tryCatch(withCallingHandlers({
      result <- list(value = NULL, visible = FALSE)
      for (expression in parse(text = code, keep.source = FALSE, encoding = "UTF-8")) {
        result <- withVisible(eval(expression, globalenv()))
      }
      if (result$visible) print(result$value)
      list("OK", "")
    }, warning = function(w) {
      call <- conditionCall(w)
      cat("Warning message:\n", if (!is.null(call)) paste0("In ", deparse(call, nlines = 1L)[1L],
          " : "), conditionMessage(w), "\n", sep = "")
      invokeRestart("muffleWarning")
    }), interrupt = function(i) list("ERR", "interrupted"), error = function(e) {
      call <- conditionCall(e)
      source <- base::call("parse", text = code)
      if (identical(call, quote(eval(expression, globalenv())))) call <- base::call("eval", source)
      else if (is.call(call) && identical(call[[1L]], quote(parse))
               && identical(call$text, quote(code))) call <- source
      list("ERR", shown(conditionMessage(e), call))
    })
  }

  complete <- function(code) {
    line <- utils::tail(strsplit(code, "\n", fixed = TRUE)[[1L]], 1L)
    if (!length(line)) return("")
    utils:::.assignLinebuffer(line)
    utils:::.assignEnd(nchar(line))
    utils:::.guessTokenFromLine()
    utils:::.completeToken()
    paste(utils::head(utils:::.retrieveCompletions(), 500L), collapse = "\n")
  }

  repeat {
    head <- tryCatch(readHead(), interrupt = function(i) "")
    if (is.null(head)) break
    if (!nzchar(head)) next
    h <- strsplit(head, " ", fixed = TRUE)[[1L]]
    code <- readBlock(as.integer(h[3L]))
    if (is.null(code)) break
    r <- tryCatch({
      if (h[1L] == "COMPLETE") {
        list("OK", complete(code))
      } else if (withSpark) {
        SparkR:::callJMethod(get(".sc", envir = SparkR:::.sparkREnv), "setJobGroup", h[2L],
                             paste("Job group for statement", h[2L]), TRUE)
        run(code)
      } else {
        run(code)
      }
    }, interrupt = function(i) list("ERR", "interrupted"),
       error = function(e) list("ERR", shown(conditionMessage(e), conditionCall(e))))
    if (withSpark && identical(r[[2L]], "interrupted")) reconnectSpark()
    if (h[1L] == "EXEC") writeBin(as.raw(0L), printed)
    while (grDevices::dev.cur() > 1L) grDevices::dev.off()
    pics <- sort(list.files(plots, full.names = TRUE))
    pic <- if (length(pics)) readBin(pics[length(pics)], "raw", file.size(pics[length(pics)])) else raw(0)
    unlink(pics)
    msg <- bytes(r[[2L]])
    writeBin(c(charToRaw(paste(r[[1L]], length(msg), length(pic))),
               as.raw(10L), msg, pic), con)
  }
  quit("no", 0)
})
